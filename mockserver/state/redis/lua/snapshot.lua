-- Account, counters, and the rows of each table from oldest to newest.
local world, tables = KEYS[1], {}
for _, table in ipairs(redis.call('SMEMBERS', world .. 'tables')) do
  tables[#tables + 1] = {table, rows_of(world, table, redis.call('ZRANGE', world .. 'order:' .. table, 0, -1))}
end
return {redis.call('HMGET', world .. 'm', 'total', 'consumed'), redis.call('HGETALL', world .. 'counters'), tables}

-- Do all the writes (table, id, row, row as it was; '' is none) and charge for them, or nothing. Nothing too when
-- it is so late that the caller has given up: it was told that nothing is done.
local world, charged, most, deadline = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if gone(world) then return GONE end
local time = redis.call('TIME')
if time[1] + time[2] / 1000000 > deadline then return redis.error_reply('LATE nobody waits for this any more') end
local added = 0
for i = 4, #ARGV, 4 do
  local was = redis.call('HGET', world .. 'rows:' .. ARGV[i], ARGV[i + 1]) or ''
  if was ~= ARGV[i + 3] then return 'changed' end
  if was == '' then added = added + 1 end
  if ARGV[i + 2] == '' then added = added - 1 end
end
local known = redis.call('HMGET', world .. 'm', 'total', 'consumed', 'rows')
local consumed = tonumber(known[2])
if charged > tonumber(known[1]) - consumed then return 'unpaid' end
if added > 0 and tonumber(known[3]) + added > most then return 'full' end
redis.call('HSET', world .. 'm', 'consumed', number(consumed + charged), 'rows', known[3] + added)
for i = 4, #ARGV, 4 do
  local table, id, row, was = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if row == '' then
    redis.call('HDEL', world .. 'rows:' .. table, id)
    redis.call('ZREM', world .. 'order:' .. table, id)
  else
    redis.call('HSET', world .. 'rows:' .. table, id, row)
    if was == '' then
      redis.call('SADD', world .. 'tables', table)
      redis.call('ZADD', world .. 'order:' .. table, redis.call('HINCRBY', world .. 'm', 'next', 1), id)
    end
  end
end
return 'done'

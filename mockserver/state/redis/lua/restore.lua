-- Replace account, counters and rows: total, consumed, how many counters, those, then (table, id, row).
local world, counters = KEYS[1], tonumber(ARGV[3])
if gone(world) then return GONE end
drop_rows(world)
redis.call('UNLINK', world .. 'counters')
for i = 4, 3 + 2 * counters, 2 do
  redis.call('HSET', world .. 'counters', ARGV[i], ARGV[i + 1])
end
local rows = 0
for i = 4 + 2 * counters, #ARGV, 3 do
  rows = rows + 1
  redis.call('SADD', world .. 'tables', ARGV[i])
  redis.call('ZADD', world .. 'order:' .. ARGV[i], rows, ARGV[i + 1])
  redis.call('HSET', world .. 'rows:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2])
end
redis.call('HSET', world .. 'm', 'total', ARGV[1], 'consumed', ARGV[2], 'rows', rows, 'next', rows)

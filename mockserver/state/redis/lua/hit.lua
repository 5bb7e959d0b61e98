-- Ask a sliding window to admit a request. A window keeps the moments at which its requests leave it. A request
-- counts those that came after it too: the clocks of two replicas may be read in one order and get here in the
-- other, and still no window of that length may hold more than its limit.
local world, name, now, limit, window = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local counted, most, unused = ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7])
if gone(world) then return GONE end
local key, index = world .. 'window:' .. name, world .. 'windows'
local remaining = limit - redis.call('ZCOUNT', key, '(' .. now, '+inf')
local admitted = remaining > 0
if admitted and counted then
  remaining = remaining - 1
  redis.call('ZREMRANGEBYSCORE', key, '-inf', number(tonumber(now) - 60))
  redis.call('ZADD', key, number(tonumber(now) + window), redis.call('HINCRBY', world .. 'm', 'hits', 1))
  redis.call('ZADD', index, now, name)
  if redis.call('ZCARD', index) > most then
    local old = redis.call('ZRANGEBYSCORE', index, '-inf', number(tonumber(now) - unused))
    if #old == 0 then old = redis.call('ZRANGE', index, 0, most / 10) end
    for _, one in ipairs(old) do
      redis.call('UNLINK', world .. 'window:' .. one)
      redis.call('ZREM', index, one)
    end
  end
end
local first = redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {math.max(0, remaining), first[2] or now, admitted and 1 or 0}

-- Make an empty world. Those that were begun a minute ago and never shown belong to nobody.
local prefix, start, rate, credits = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local now = redis.call('TIME')
for _, old in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'unborn', '-inf', now[1] - 60)) do
  drop(old)
  redis.call('ZREM', prefix .. 'unborn', old)
end
local world = prefix .. 'world:' .. redis.call('INCR', prefix .. 'made') .. ':'
local real = number(now[1] + now[2] / 1000000)
if start == '' then start = real end
redis.call('ZADD', prefix .. 'unborn', now[1], world)
redis.call('HSET', world .. 'm', 'base', start, 'real', real, 'rate', rate,
  'total', credits, 'consumed', 0, 'rows', 0, 'entries', 0, 'bytes', 0, 'hits', 0, 'next', 0)
return world

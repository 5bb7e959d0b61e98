-- Take a sandbox away, or (with a number of seconds) those that saw no request for so long.
local prefix, name, idle = KEYS[1], ARGV[1], ARGV[2]
local names = {name}
if idle ~= '' then
  names = redis.call('ZRANGEBYSCORE', prefix .. 'used', '-inf', '(' .. (redis.call('TIME')[1] - tonumber(idle)))
end
local removed = 0
for _, one in ipairs(names) do
  local sandbox = prefix .. 'sandbox:' .. one
  local found = redis.call('HMGET', sandbox, 'world', 'key')
  if found[1] and one ~= 'default' then
    drop(found[1])
    redis.call('UNLINK', sandbox)
    redis.call('ZREM', prefix .. 'names', one)
    redis.call('ZREM', prefix .. 'used', one)
    redis.call('HDEL', prefix .. 'keys', found[2])
    removed = removed + 1
  end
end
return removed

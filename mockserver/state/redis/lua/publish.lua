-- Show a world as the sandbox of a name; the one that it takes the place of goes.
local prefix, name, mode, world, record, key, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local sandbox = prefix .. 'sandbox:' .. name
local there = redis.call('EXISTS', sandbox) == 1
local refused = nil
if mode == 'new' and there then refused = 'taken' end
if mode == 'new' and not there and redis.call('ZCARD', prefix .. 'names') >= tonumber(most) then refused = 'full' end
if mode == 'old' and not there then refused = 'gone' end
redis.call('ZREM', prefix .. 'unborn', world)
if refused then
  drop(world)
  return {refused, redis.call('ZCARD', prefix .. 'names')}
end
local version = redis.call('INCR', prefix .. 'made')
if mode == 'new' then
  redis.call('ZADD', prefix .. 'names', version, name)
  if key ~= '' then redis.call('HSET', prefix .. 'keys', key, name) end
end
local was = redis.call('HGET', sandbox, 'world')
redis.call('HSET', sandbox, 'version', version, 'world', world, 'record', record, 'key', key)
redis.call('ZADD', prefix .. 'used', redis.call('TIME')[1], name)
if was and was ~= world then drop(was) end
return {'done', version}

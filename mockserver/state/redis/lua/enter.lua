-- Which sandbox a request is for, and what its clock says: all that a request begins with, in one go.
local prefix, name = KEYS[1], ARGV[1]
if name == '' then
  for i = 2, #ARGV do
    name = redis.call('HGET', prefix .. 'keys', ARGV[i]) or ''
    if name ~= '' then break end
  end
end
if redis.call('EXISTS', prefix .. 'sandbox:' .. name) == 0 then name = 'default' end
local found = redis.call('HMGET', prefix .. 'sandbox:' .. name, 'version', 'world')
if not found[1] then return {} end
local now = redis.call('TIME')
redis.call('ZADD', prefix .. 'used', now[1], name)
local hands = redis.call('HMGET', found[2] .. 'm', 'base', 'real', 'rate')
return {name, found[1], hands[1], hands[2], hands[3], number(now[1] + now[2] / 1000000)}

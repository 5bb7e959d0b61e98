-- Set what remains to spend.
local world = KEYS[1]
if gone(world) then return GONE end
local consumed = redis.call('HGET', world .. 'm', 'consumed')
redis.call('HSET', world .. 'm', 'total', number(tonumber(ARGV[1]) + tonumber(consumed)))

-- Add to counters; the new values.
local world, by, values = KEYS[1], ARGV[1], {}
if gone(world) then return GONE end
for i = 2, #ARGV do
  values[#values + 1] = redis.call('HINCRBY', world .. 'counters', ARGV[i], by)
end
return values

-- The hands of a world's clock and the real time; or set them, if they are still what they were.
local world = KEYS[1]
if gone(world) then return GONE end
local now = redis.call('TIME')
local real = number(now[1] + now[2] / 1000000)
local hands = redis.call('HMGET', world .. 'm', 'base', 'real', 'rate')
if #ARGV == 6 then
  if hands[1] ~= ARGV[1] or hands[2] ~= ARGV[2] or hands[3] ~= ARGV[3] then return {} end
  redis.call('HSET', world .. 'm', 'base', ARGV[4], 'real', ARGV[5], 'rate', ARGV[6])
end
return {hands[1], hands[2], hands[3], real}

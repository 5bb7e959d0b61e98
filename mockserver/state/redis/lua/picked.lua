-- The entries of the journal with these numbers; false for one that is gone.
local world, entries = KEYS[1], {}
local count = tonumber(redis.call('HGET', world .. 'm', 'entries') or 0)
local first = count - redis.call('LLEN', world .. 'journal') + 1
for i, number in ipairs(ARGV) do
  local place = tonumber(number) - first
  entries[i] = place >= 0 and redis.call('LINDEX', world .. 'journal', place) or false
end
return entries

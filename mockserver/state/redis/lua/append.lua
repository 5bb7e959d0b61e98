-- Write an entry to the journal, count its mark and how it was answered, and let the oldest go; its number.
local world, entry, size, bytes, overhead = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if gone(world) then return GONE end
if ARGV[5] ~= '' then redis.call('HINCRBY', world .. 'marked', ARGV[5], 1) end
if ARGV[6] ~= '' then redis.call('HINCRBY', world .. 'answers', ARGV[6], 1) end
local kept = redis.call('RPUSH', world .. 'journal', entry)
local used = redis.call('HINCRBY', world .. 'm', 'bytes', #entry + overhead)
while kept > size or (used > bytes and kept > 0) do
  local old = redis.call('LPOP', world .. 'journal')
  used = redis.call('HINCRBY', world .. 'm', 'bytes', -(#old + overhead))
  kept = kept - 1
end
return redis.call('HINCRBY', world .. 'm', 'entries', 1)

-- The entries of the journal after a number: the number of the first of them, and they.
local world, after = KEYS[1], tonumber(ARGV[1])
local count = tonumber(redis.call('HGET', world .. 'm', 'entries') or 0)
local first = count - redis.call('LLEN', world .. 'journal') + 1
local start = math.max(after + 1, first)
return {start, redis.call('LRANGE', world .. 'journal', start - first, -1)}

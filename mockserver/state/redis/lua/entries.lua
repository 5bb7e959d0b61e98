-- The entries of the journal after a number, at most so many (0: all): the number of the first of them, and they.
local world, after, limit = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local count = tonumber(redis.call('HGET', world .. 'm', 'entries') or 0)
local first = count - redis.call('LLEN', world .. 'journal') + 1
local start = math.max(after + 1, first)
local last = limit > 0 and start - first + limit - 1 or -1
return {start, redis.call('LRANGE', world .. 'journal', start - first, last)}

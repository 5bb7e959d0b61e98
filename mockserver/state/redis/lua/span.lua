-- The number of the oldest entry of the journal, and that of the newest.
local count = tonumber(redis.call('HGET', KEYS[1] .. 'm', 'entries') or 0)
return {count - redis.call('LLEN', KEYS[1] .. 'journal') + 1, count}

-- Forget the entries of the journal; their numbers go on.
if gone(KEYS[1]) then return GONE end
redis.call('UNLINK', KEYS[1] .. 'journal')
redis.call('HSET', KEYS[1] .. 'm', 'bytes', 0)

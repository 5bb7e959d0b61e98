-- Forget the entries of the journal, and how they were answered; their numbers go on.
if gone(KEYS[1]) then return GONE end
redis.call('UNLINK', KEYS[1] .. 'journal', KEYS[1] .. 'answers')
redis.call('HSET', KEYS[1] .. 'm', 'bytes', 0)

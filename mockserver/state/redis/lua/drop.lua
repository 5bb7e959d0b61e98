-- Remove a snapshot of a sandbox. KEYS: what is said about each, their contents.
redis.call('HDEL', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])

-- Take a sandbox away, if it is still in the world that the caller means. KEYS: its record, the keys of that world.
if redis.call('HGET', KEYS[1], 'world') ~= ARGV[1] then return 0 end
for i = 1, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1

-- Show a world as the sandbox of a name; the one that it takes the place of goes.
-- KEYS: the sandbox's record, the keys of the new world (`m` first), those of the sandbox's snapshots, those of the
-- world before, if there is one.
-- ARGV: the name of the world before ('' when the sandbox is new), of the new one, its version, the record, the
-- sandbox's key, the seconds that it is kept without a request ('' is for ever), how many keys stay with the record.
local sandbox, before, world, version, idle, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[6], tonumber(ARGV[7])
local is = redis.call('HGET', sandbox, 'world') or ''
if redis.call('EXISTS', KEYS[2]) == 0 then return redis.error_reply('LATE this world is gone') end
if is ~= before then return is == '' and 'gone' or before == '' and 'taken' or 'moved' end
redis.call('HSET', sandbox, 'version', version, 'world', world, 'record', ARGV[4], 'key', ARGV[5])
redis.call('HSET', KEYS[2], 'version', version, 'idle', idle, 'kept', 0)
for i = 1, 1 + count do
  if idle == '' then
    redis.call('PERSIST', KEYS[i])
  else
    redis.call('EXPIRE', KEYS[i], math.ceil(idle * 9 / 8))
  end
end
if before ~= world then
  for i = 2 + count, #KEYS do redis.call('UNLINK', KEYS[i]) end
end
return 'done'

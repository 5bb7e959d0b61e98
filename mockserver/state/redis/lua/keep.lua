-- Keep a snapshot of a sandbox, if there is room. KEYS: what is said about each, their contents, the sandbox's record.
-- ARGV: its name, what is said about it, its content, how many there may be, how many bytes they may take.
local about, contents, name = KEYS[1], KEYS[2], ARGV[1]
local count, bytes = 1, #ARGV[3]
for _, known in ipairs(redis.call('HKEYS', contents)) do
  if known ~= name then
    count = count + 1
    bytes = bytes + redis.call('HSTRLEN', contents, known)
  end
end
if count > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) then return 0 end
redis.call('HSET', about, name, ARGV[2])
redis.call('HSET', contents, name, ARGV[3])
-- They go with the sandbox; a request that renews its time renews theirs.
local left = redis.call('PTTL', KEYS[3])
if left > 0 then
  redis.call('PEXPIRE', about, left)
  redis.call('PEXPIRE', contents, left)
end
return 1

-- Make an empty world, which goes by itself unless it is shown. KEYS[1]: its key `m`.
local time = redis.call('TIME')
local real = string.format('%.17g', time[1] + time[2] / 1000000)
local start = ARGV[1]
if start == '' then start = real end
-- The rows' version begins with the time: where Redis has forgotten everything, none is given again.
local version = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', KEYS[1], 'version', 0, 'base', start, 'real', real, 'rate', ARGV[2], 'total', ARGV[3],
  'consumed', 0, 'rows', 0, 'entries', 0, 'bytes', 0, 'hits', 0, 'next', 0, 'changes', version, 'idle', ARGV[4], 'kept', 0)
redis.call('EXPIRE', KEYS[1], ARGV[4])

-- What a request, or whoever steers, does in one world: some steps, one after the other, in one round trip.
--
-- KEYS: see `names.py`. ARGV: what the caller believes of the world (version and hands of its clock; '' does not
-- care), the time at which it gives up, and then the steps, each as its name, how many arguments it has, the answer
-- that the caller has guessed ('' is no guess), and these arguments.
--
-- The answer: 1 when every guess was right, else 0, or -1 when the world is not what the caller believed; the time; the
-- version of the rows; and the answers of the steps that were done. Nothing is written for good (commit, append) once a guess was wrong:
-- what the request makes of the right answer is not known here. It stops at a wrong guess that may lead elsewhere.
local m, rows, order, counters, windows, hits, journal, marked, answers, kinds, index = unpack(KEYS, 1, 11)
local concat = table.concat

local function written(value)  -- a double, written so that nothing of it is lost
  return string.format('%.17g', value)
end

local function moment(time)  -- a double, written so that its bytes sort as it does
  if time >= 0 then return '1' .. struct.pack('>d', time) end
  return '0' .. struct.pack('>d', -time):gsub('.', function(byte) return string.char(255 - byte:byte()) end)
end

local function time_of(bytes)
  if bytes:sub(1, 1) == '1' then return (struct.unpack('>d', bytes:sub(2, 9))) end
  local inverse = bytes:sub(2, 9):gsub('.', function(byte) return string.char(255 - byte:byte()) end)
  return -struct.unpack('>d', inverse)
end

local lost = redis.error_reply('LOST a part of this world is gone')

local function rows_of(ids)  -- in pieces, because Lua's stack is small; each begins with its number, of 14 digits
  local found = {}
  for from = 1, #ids, 1000 do
    for _, row in ipairs(redis.call('HMGET', rows, unpack(ids, from, math.min(from + 999, #ids)))) do
      if not row then return nil end
      found[#found + 1] = row:sub(15)
    end
  end
  return found
end

local function put(table, id, row)  -- a new row
  local place = string.format('%014d', redis.call('HINCRBY', m, 'next', 1))
  redis.call('HSET', rows, table .. id, place .. row)
  redis.call('ZADD', order, 0, table .. place .. id)
end

local function first_entry()
  local count = tonumber(redis.call('HGET', m, 'entries') or 0)
  return count - redis.call('LLEN', journal) + 1, count
end

local changed  -- the version of the rows, another one after each change

local function change()
  changed = string.format('%.0f', redis.call('HINCRBY', m, 'changes', 1))
end

-- Each step is told where its arguments begin and end; a second result is its answer as a caller guesses it.
local reads, steps = {}, {}

-- Add to counters; the new values.
function steps.count(from, to)
  local values = {}
  for i = from + 1, to do
    values[#values + 1] = redis.call('HINCRBY', counters, ARGV[i], ARGV[from])
  end
  return values, concat(values, ' ')
end
steps.number = steps.count  -- the same, of what only gives names: another value leads nowhere else

-- Ask a sliding window to admit a request. Its requests leave it at moments, and count those that came after them
-- too: the clocks of two replicas may be read in one order and get here in the other, and still no window of that
-- length may hold more than its limit.
function steps.hit(from, to, guess)
  local name, now, limit, window = ARGV[from], tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2]), ARGV[from + 3]
  local counted, most, unused = ARGV[from + 4] == '1', tonumber(ARGV[from + 5]), tonumber(ARGV[from + 6])
  local later, last = '(' .. name .. moment(now) .. string.rep('\255', 8), '(' .. name .. '2'
  local remaining = limit - redis.call('ZLEXCOUNT', hits, later, last)
  local admitted = remaining > 0
  if admitted and counted then
    remaining = remaining - 1
    -- The first thing that is written has to need memory: Redis lets a script that has begun to write go on.
    local hit = struct.pack('>d', redis.call('HINCRBY', m, 'hits', 1))
    redis.call('ZADD', hits, 0, name .. moment(now + window) .. hit)
    redis.call('ZREMRANGEBYLEX', hits, '[' .. name, '(' .. name .. moment(now - 60))
    if redis.call('ZADD', windows, now, name) == 1 and redis.call('ZCARD', windows) > most then
      local old = redis.call('ZRANGEBYSCORE', windows, '-inf', written(now - unused))
      if #old == 0 then old = redis.call('ZRANGE', windows, 0, most / 10) end
      for _, one in ipairs(old) do
        redis.call('ZREMRANGEBYLEX', hits, '[' .. one, '(' .. one .. '2')
        redis.call('ZREM', windows, one)
      end
    end
  end
  local function leaving(count)
    local found = redis.call('ZRANGEBYLEX', hits, later, last, 'LIMIT', 0, count)
    for i, one in ipairs(found) do found[i] = written(time_of(one:sub(#name + 1))) end
    return found
  end
  local answer = {admitted and 1 or 0, math.max(0, remaining), leaving(1)[1] or written(now)}
  local text = concat(answer, ' ')
  if text ~= guess then answer[4] = leaving(32) end
  return answer, text
end

function steps.balance()
  local account = redis.call('HMGET', m, 'total', 'consumed')
  return account, written(account[1] or 0) .. ' ' .. written(account[2] or 0)
end
reads.balance = true

function steps.grant(from)
  redis.call('HSET', m, 'total', written(ARGV[from] + redis.call('HGET', m, 'consumed')))
  return 1
end

-- The rows have a version. A caller that has read them before guesses it: then it is told that it is still that one.
function steps.get(from, to, guess)
  if guess == changed then return 1, guess end
  local row = redis.call('HGET', rows, ARGV[from])
  return row and row:sub(15), changed
end
reads.get = true

-- How many rows a table has; and at most so many (-1: all), from newest to oldest, as one JSON array, which is read
-- faster than one row after the other.
function steps.page(from, to, guess)
  if guess == changed then return 1, guess end
  local table, offset, limit = ARGV[from], ARGV[from + 1], ARGV[from + 2]
  local first, last = '[' .. table .. '0', '(' .. table .. ':'
  local ids = redis.call('ZREVRANGEBYLEX', order, last, first, 'LIMIT', offset, limit)
  for i, id in ipairs(ids) do ids[i] = table .. id:sub(#table + 15) end
  local found = rows_of(ids)
  if not found then return lost end
  return {redis.call('ZLEXCOUNT', order, first, last), '[' .. concat(found, ',') .. ']'}, changed
end
reads.page = true

-- Do all the writes (table, id, row, row as it was; '' is none) and charge for them, or nothing.
function steps.commit(from, to)
  local charged, most, added = tonumber(ARGV[from]), tonumber(ARGV[from + 1]), 0
  for i = from + 2, to, 4 do
    local was = redis.call('HGET', rows, ARGV[i] .. ARGV[i + 1])
    was = was and was:sub(15) or ''
    if was ~= ARGV[i + 3] then return 'changed', 'changed' end
    if was == '' then added = added + 1 end
    if ARGV[i + 2] == '' then added = added - 1 end
  end
  local known = redis.call('HMGET', m, 'total', 'consumed', 'rows')
  local consumed = tonumber(known[2])
  if charged > tonumber(known[1]) - consumed then return 'unpaid', 'unpaid' end
  if added > 0 and tonumber(known[3]) + added > most then return 'full', 'full' end
  redis.call('HSET', m, 'consumed', written(consumed + charged), 'rows', known[3] + added)
  for i = from + 2, to, 4 do
    local table, id, row, was = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if was == '' then
      put(table, id, row)
    else
      local place = redis.call('HGET', rows, table .. id):sub(1, 14)
      if row == '' then
        redis.call('HDEL', rows, table .. id)
        redis.call('ZREM', order, table .. place .. id)
      else
        redis.call('HSET', rows, table .. id, place .. row)
      end
    end
  end
  if to > from + 1 then change() end
  return 'done', 'done'
end

-- Entries of one kind are those with the same traits. The index has all numbers of entries, each with its kind before
-- it in the score: a kind's entries stand together, and the oldest entry is found by its number alone.
local KIND = 2 ^ 36

-- Write an entry to the journal, count its mark and how it was answered, and let the oldest go; its number.
function steps.append(from)
  local entry, size, bytes, overhead = ARGV[from], tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2]), ARGV[from + 3]
  if ARGV[from + 4] ~= '' then redis.call('HINCRBY', marked, ARGV[from + 4], 1) end
  if ARGV[from + 5] ~= '' then redis.call('HINCRBY', answers, ARGV[from + 5], 1) end
  local traits, number = ARGV[from + 6], redis.call('HINCRBY', m, 'entries', 1)
  local kind = redis.call('HGET', kinds, traits)
  if not kind then
    kind = redis.call('HINCRBY', m, 'kinds', 1)  -- a journal that was cleared does not give it again
    redis.call('HSET', kinds, traits, kind)
  end
  redis.call('ZADD', index, written(kind * KIND + number), number)
  local kept = redis.call('RPUSH', journal, entry)
  local used = redis.call('HINCRBY', m, 'bytes', #entry + overhead)
  while kept > size or (used > bytes and kept > 0) do
    used = redis.call('HINCRBY', m, 'bytes', -(#redis.call('LPOP', journal) + overhead))
    kept = kept - 1
    redis.call('ZREM', index, number - kept)
  end
  return number
end

-- The traits of which there are entries, and the kind that each of them is.
function steps.kinds() return redis.call('HGETALL', kinds) end
reads.kinds = true

-- The traits of which there are entries, and how many have them.
function steps.kept()
  local found = redis.call('HGETALL', kinds)
  for i = 2, #found, 2 do
    local start = found[i] * KIND
    found[i] = redis.call('ZCOUNT', index, written(start), written(start + KIND - 1))
  end
  return found
end
reads.kept = true

-- The numbers of the entries of some kinds, those above a number: one list for each kind.
function steps.found(from, to)
  local found = {}
  for i = from + 1, to do
    local start = ARGV[i] * KIND
    found[#found + 1] = redis.call('ZRANGEBYSCORE', index, written(start + ARGV[from] + 1), written(start + KIND - 1))
  end
  return found
end
reads.found = true

function steps.marked() return redis.call('HGETALL', marked) end
reads.marked = true

function steps.answers() return redis.call('HGETALL', answers) end
reads.answers = true

-- The entries of the journal after a number, at most so many (0: all): the number of the first of them, and they.
function steps.entries(from)
  local after, limit, first = tonumber(ARGV[from]), tonumber(ARGV[from + 1]), first_entry()
  local start = math.max(after + 1, first)
  local last = limit > 0 and start - first + limit - 1 or -1
  return {start, redis.call('LRANGE', journal, start - first, last)}
end
reads.entries = true

-- The entries with these numbers; false for one that is gone.
function steps.picked(from, to)
  local found, first = {}, first_entry()
  for i = from, to do
    local place = tonumber(ARGV[i]) - first
    found[#found + 1] = place >= 0 and redis.call('LINDEX', journal, place) or false
  end
  return found
end
reads.picked = true

function steps.span() return {first_entry()} end
reads.span = true

-- Forget the entries, and how they were answered; their numbers go on.
function steps.clear()
  redis.call('UNLINK', journal, answers, kinds, index)
  redis.call('HSET', m, 'bytes', 0)
  return 1
end

-- Account, counters, the rows' places from oldest to newest in each table, and these rows.
function steps.snapshot()
  local places, ids = redis.call('ZRANGE', order, 0, -1), {}
  for i, place in ipairs(places) do
    local length, colon = place:match('^(%d+)():')
    local name = colon + length
    ids[i] = place:sub(1, name) .. place:sub(name + 15)
  end
  local found = rows_of(ids)
  if not found then return lost end
  return {redis.call('HMGET', m, 'total', 'consumed'), redis.call('HGETALL', counters), places, found}
end
reads.snapshot = true

-- Replace account, counters and rows: total, consumed, how many counters, those, then (table, id, row).
function steps.restore(from, to)
  local after = from + 2 + 2 * ARGV[from + 2]
  redis.call('UNLINK', rows, order, counters)
  redis.call('HSET', m, 'total', ARGV[from], 'consumed', ARGV[from + 1], 'rows', (to - after) / 3, 'next', 0)
  for i = from + 3, after, 2 do redis.call('HSET', counters, ARGV[i], ARGV[i + 1]) end
  for i = after + 1, to, 3 do put(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
  change()
  return 1
end

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

-- The hands of the clock and the real time.
function steps.clock()
  local hands = redis.call('HMGET', m, 'base', 'real', 'rate')
  return {hands[1], hands[2], hands[3], written(now)}, concat(hands, ' ')
end

-- Set the hands, if they are still what they were.
function steps.move(from)
  local hands = redis.call('HMGET', m, 'base', 'real', 'rate')
  for i = 1, 3 do
    if hands[i] ~= ARGV[from + i - 1] then return 0, '0' end
  end
  redis.call('HSET', m, 'base', ARGV[from + 3], 'real', ARGV[from + 4], 'rate', ARGV[from + 5])
  return 1, '1'
end

-- What a commit will charge that is not sent yet.
function steps.price() return 1 end
reads.price = true

local function pays(i)  -- whether what remains is enough for what the steps from here on charge
  while i <= #ARGV do
    if ARGV[i] == 'commit' or ARGV[i] == 'price' then
      local charged, account = tonumber(ARGV[i + 3]), redis.call('HMGET', m, 'total', 'consumed')
      return charged > 0 and charged <= account[1] - account[2]
    end
    i = i + 3 + ARGV[i + 1]
  end
  return false
end

local believed, deadline = ARGV[1], tonumber(ARGV[2])
local known = redis.call('HMGET', m, 'version', 'base', 'real', 'rate', 'idle', 'kept', 'changes')
changed = known[7]
if known[1] and believed ~= '' and believed ~= concat(known, ' ', 1, 4) then
  return {-1, written(now), known[1], known[2], known[3], known[4]}
end
if now > deadline then return redis.error_reply('LATE nobody waits for this any more') end
local reply, i, is_right = {1, written(now), changed}, 3, true
while i <= #ARGV do
  local name, from, guess = ARGV[i], i + 3, ARGV[i + 2]
  local to = from + ARGV[i + 1] - 1
  if not known[1] and not (reads[name] and believed == '') then
    return redis.error_reply('GONE a reset or a delete took this world away')
  end
  if not is_right and (name == 'commit' or name == 'append') then break end
  local answer, text = steps[name](from, to, guess)
  if answer == lost then return lost end
  reply[#reply + 1] = answer
  if guess ~= '' and guess ~= text then
    is_right = false
    -- What follows is the same when only a number in the response differs.
    local same = name == 'number' or (name == 'hit' and guess:sub(1, 2) == text:sub(1, 2))
    same = same or (name == 'balance' and pays(to + 1))
    if not same then break end
  end
  i = to + 1
end
if not is_right then reply[1] = 0 end
reply[3] = changed

-- Every key of a world that goes when nobody uses it has its time. They are given a new one when a request comes
-- after an eighth of it, or when a key is new. `kept` says when that was, and how many keys there were.
local idle = tonumber(known[5] or '')
if idle then
  -- Nobody sees a world of version 0 yet: what is beside it belongs to another one.
  while known[1] == '0' and #KEYS > 11 do table.remove(KEYS) end
  local at, count = known[6]:match('^([^ ]+) ?(%d*)$')
  local is_old = believed ~= '' and now - at > idle / 8
  if is_old or redis.call('EXISTS', unpack(KEYS)) ~= tonumber(count) then
    for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, math.ceil(idle * 9 / 8)) end
    redis.call('HSET', m, 'kept', written(now) .. ' ' .. redis.call('EXISTS', unpack(KEYS)))
  end
end
return reply

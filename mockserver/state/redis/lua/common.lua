-- What every script begins with. Two sorts of names: KEYS[1] is either the prefix of all our keys, or that
-- of one world (a sandbox between two resets), which always ends in ":".

local function number(value)  -- a double, written so that nothing of it is lost
  return string.format('%.17g', value)
end

local function gone(world)  -- one that a reset or a delete took away is not written to any more
  return redis.call('EXISTS', world .. 'm') == 0
end
local GONE = redis.error_reply('GONE a reset or a delete took this world away')

local function rows_of(world, table, ids)  -- in pieces, because Lua's stack is small
  local rows = {}
  for from = 1, #ids, 1000 do
    local some = redis.call('HMGET', world .. 'rows:' .. table, unpack(ids, from, math.min(from + 999, #ids)))
    for _, row in ipairs(some) do rows[#rows + 1] = row end
  end
  return rows
end

local function drop_rows(world)
  for _, table in ipairs(redis.call('SMEMBERS', world .. 'tables')) do
    redis.call('UNLINK', world .. 'rows:' .. table, world .. 'order:' .. table)
  end
  redis.call('UNLINK', world .. 'tables')
end

local function drop(world)
  drop_rows(world)
  for _, window in ipairs(redis.call('ZRANGE', world .. 'windows', 0, -1)) do
    redis.call('UNLINK', world .. 'window:' .. window)
  end
  redis.call('UNLINK', world .. 'm', world .. 'counters', world .. 'windows', world .. 'journal', world .. 'marked',
    world .. 'answers')
end

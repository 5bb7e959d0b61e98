-- Rows of a table from newest to oldest, and how many there are in all.
local world, table, offset, limit = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local order = world .. 'order:' .. table
local last = -1
if limit >= 0 then last = offset + limit - 1 end
local ids = {}
if limit ~= 0 then ids = redis.call('ZREVRANGE', order, offset, last) end
return {redis.call('ZCARD', order), rows_of(world, table, ids)}

import { OWN_KEYS } from './keys.ts';
import { ENTERING, NAMES_IN } from './names.ts';

/** How much is read of the stops of one name, its newest; of all names together; and how much one name may have. */
const READ = { one: 64 * 1024, all: 2 * 1024 * 1024, most: 256 * 1024 } as const;

/**
 * The stops under each name, the newest where there are many; each name has a fair share of what is read. Needs
 * `NAMES_IN`. Gives the escaped name and the lines of each.
 */
export const STOPS_IN = `
local function stopsIn(key, prefix)
  local found, stops = {}, {}
  for _, name in ipairs(namesIn(key)) do
    local own = prefix .. name .. ':${OWN_KEYS.stops}'
    local length = redis.pcall('STRLEN', own)
    if length ~= 0 and isEscaped(name) then table.insert(found, { name, own, length }) end
  end
  local share = math.min(${READ.one}, math.floor(${READ.all} / math.max(1, #found)))
  for _, one in ipairs(found) do
    local text = type(one[3]) == 'number' and redis.pcall('GETRANGE', one[2], -share, -1) or one[3]
    if type(text) == 'string' then
      if one[3] > share then text = string.match(text, '\\n(.*)$') or '' end
      table.insert(stops, { one[1], text })
    else
      table.insert(stops, { one[1], 'it cannot be read: ' .. text.err })
    end
  end
  return stops
end
`;

/**
 * Adds a stop to the own list, to which executors only append, and tells the others. The same id again adds nothing.
 * KEYS: the own stops, names, changes. ARGV: the stop, how its id is written in it, the own escaped name, what
 * executors' keys begin with, the channel.
 */
export const ADD_STOP = `${ENTERING}
if not isEntered(KEYS[2], ARGV[3]) then
  local refused = enter(KEYS[2], ARGV[3], ARGV[4])
  if refused then return refused end
end
if not string.find(redis.call('GETRANGE', KEYS[1], -${READ.most}, -1), ARGV[2], 1, true) then
  if redis.call('STRLEN', KEYS[1]) + #ARGV[1] > ${READ.most} then
    return redis.error_reply('FULL ' .. KEYS[1] .. ' has as many stops as are kept: an operating process copies them into the log')
  end
  redis.call('APPEND', KEYS[1], '\\n' .. ARGV[1] .. '\\n')
  redis.call('INCR', KEYS[3])
end
redis.pcall('PUBLISH', ARGV[5], 'stop')
return 1
`;

/** All stops, for operators. KEYS: names. ARGV: what executors' keys begin with. */
export const READ_STOPS = `${NAMES_IN}${STOPS_IN}
return stopsIn(KEYS[1], ARGV[1])
`;

/**
 * Takes lines with these ids out of the stops of all names, in one step, so that none that is added meanwhile is lost.
 * KEYS: names, changes. ARGV: what executors' keys begin with, then how each id is written.
 */
export const DROP_STOPS = `#!lua
${NAMES_IN}
for _, name in ipairs(namesIn(KEYS[1])) do
  local own = ARGV[1] .. name .. ':${OWN_KEYS.stops}'
  local text = isEscaped(name) and redis.pcall('GETRANGE', own, 0, -1)
  if type(text) == 'string' and text ~= '' then
    local left = {}
    for line in string.gmatch(text, '[^\\n]+') do
      local isOver = false
      for i = 2, #ARGV do isOver = isOver or string.find(line, ARGV[i], 1, true) end
      if not isOver then table.insert(left, '\\n' .. line .. '\\n') end
    end
    if #left == 0 then redis.call('UNLINK', own) else redis.call('SET', own, table.concat(left)) end
  end
end
redis.call('INCR', KEYS[2])
return 1
`;

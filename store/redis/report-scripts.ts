import { LONGEST_BEAT } from '../beats.ts';
import { library } from './library.ts';
import { script } from './scripts.ts';

/** How many names executors may have together, and how many bytes these; beyond that a new one is refused, and no old one is passed over. */
const MOST_NAMES = 4096;
export const MOST_NAME_BYTES = 256 * 1024;

/** How many reports of forks a name may have, in how many bytes, and how many are judged at once. */
const MOST_FORKS = 16;
const MOST_FORK_BYTES = 16 * 1024;
const MOST_JUDGED = 256;

/** The names that the text of their key has, each once, as many as are read. */
export const namesOf = (text: string): string[] =>
  [...new Set(text.split('\n').filter((name) => name !== ''))].slice(0, MOST_NAMES);

/** Whether there is not much room left for more. */
export const areManyNames = (text: string): boolean =>
  text.length > 0.75 * MOST_NAME_BYTES || namesOf(text).length > 0.75 * MOST_NAMES;

/** The names in Lua, for scripts. What somebody has left unfinished ends where the next name begins, because each is written between two line ends. */
const NAMES_IN = `
local function namesIn(key)
  local names, seen = {}, {}
  for name in string.gmatch(redis.call('GETRANGE', key, 0, ${MOST_NAME_BYTES - 1}), '[^\\n]+') do
    if not seen[name] then
      seen[name] = true
      table.insert(names, name)
      if #names == ${MOST_NAMES} then break end
    end
  end
  return names
end
`;

/** Whether a name is among the others, and how it gets there; gives what is wrong, where it cannot. Nearly always it is there. */
const ENTERING = `${NAMES_IN}
local function isEntered(key, name)
  return string.find(redis.call('GETRANGE', key, 0, ${MOST_NAME_BYTES - 1}), '\\n' .. name .. '\\n', 1, true)
end
local function enter(key, name)
  local bytes = redis.call('STRLEN', key)
  local names = namesIn(key)
  if bytes + #name + 2 > ${MOST_NAME_BYTES} or #names >= ${MOST_NAMES} then
    return redis.error_reply('FULL ' .. key .. ' has ' .. #names .. ' names of executors in ' .. bytes .. ' bytes')
  end
  redis.call('APPEND', key, '\\n' .. name .. '\\n')
end
`;

/**
 * One round trip: writes the beat, so that a Redis which takes no writes refuses the whole, and reads where the log stands.
 * KEYS: the executor's beats and forks, names, changes, head, state, log.
 * ARGV: executor id, beat, its escaped id, its fork report or '', the head it holds or '', that head's log id, how many events are handed out at most,
 * its escaped name, what executors' keys begin with, and the number of changes up to which it has judged the reports, or ''.
 * Gives: the head or nil; the log's last id or nil; 1 when there is a state; the log from the held head on, empty when that is the head;
 * the number of changes; and when that is another than the judged one, the reports, each with its name, its id, its text and the log's entry of the head
 * that it holds, the state's entry `control`, and 1 when there were more reports than are judged.
 * A report that ends with its generation is removed by the executor that made it.
 */
const CONFIRM = `${ENTERING}
local HEAD, STATE, LOG = KEYS[5], KEYS[6], KEYS[7]
local ID, FORK = ARGV[3], ARGV[4]
local head = redis.call('GET', HEAD)
local whole = redis.call('HEXISTS', STATE, 'control')
local tail = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
local generation
if head then
  local readable, decoded = pcall(cjson.decode, head)
  if not readable or type(decoded) ~= 'table' then return redis.error_reply('CORRUPT ' .. HEAD .. ' is no head') end
  generation = decoded.generation
end
local own
local beside = {}
local reported = redis.call('GETRANGE', KEYS[2], 0, ${MOST_FORK_BYTES - 1})
if reported ~= '' then
  for line in string.gmatch(reported, '[^\\n]+') do
    local id, report = string.match(line, '^(%S+) (.*)$')
    if id == ID then own = report elseif id and #beside < ${MOST_FORKS} then table.insert(beside, line) end
  end
end
local function report(text)
  if text then table.insert(beside, ID .. ' ' .. text) end
  redis.call('SET', KEYS[2], table.concat(beside, '\\n'))
  redis.call('INCR', KEYS[4])
end
if not isEntered(KEYS[3], ARGV[8]) then
  local refused = enter(KEYS[3], ARGV[8])
  if refused then return refused end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if FORK ~= '' then
  if own ~= FORK and #beside < ${MOST_FORKS} then report(FORK) end
elseif own and generation then
  local readable, decoded = pcall(cjson.decode, own)
  if not readable or type(decoded) ~= 'table' or decoded.against ~= generation then report(nil) end
end
local changes = redis.call('GET', KEYS[4]) or '0'
local reports = {}
local more = 0
if head and changes ~= ARGV[10] then
  for _, name in ipairs(namesIn(KEYS[3])) do
    local found = redis.pcall('GETRANGE', ARGV[9] .. name .. ':fork-reports', 0, ${MOST_FORK_BYTES - 1})
    local count = 0
    for line in string.gmatch(type(found) == 'string' and found or '', '[^\\n]+') do
      count = count + 1
      if count > ${MOST_FORKS} then break end
      local id, text = string.match(line, '^(%S+) (.*)$')
      local readable, report = pcall(cjson.decode, text or '')
      local held = readable and type(report) == 'table' and report.against == generation and report.held
      if type(held) == 'table' and #reports >= ${MOST_JUDGED} then
        more = 1
      elseif type(held) == 'table' then
        local epoch = held.epoch
        local entry
        if type(epoch) == 'number' and epoch >= 1 and epoch <= 2^48 and epoch % 1 == 0 then
          local at = string.format('%.0f-0', epoch)
          entry = redis.call('XRANGE', LOG, at, at)[1]
        end
        table.insert(reports, { name, id, text, entry and entry[2][2] or '' })
      end
    end
  end
end
local entries = {}
if head and ARGV[5] ~= '' and ARGV[5] ~= head then
  entries = redis.call('XRANGE', LOG, ARGV[6], '+', 'COUNT', ARGV[7] + 2)
end
return { head, tail and tail[1] or false, whole, entries, changes, reports, #reports > 0 and redis.call('HGET', STATE, 'control') or false, more }
`;

/** How many beats are handed out at most, and how many bytes they may have together. */
const MOST_BEATS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * What executors have left under one kind of their keys, as much as is bearable; also when memory is full.
 * KEYS: names, and the one key in which executors of before had it. ARGV: what executors' keys begin with, the kind.
 * Gives, for each: the escaped name or '', the id, and the text, or the number of its bytes where it is too long. Where a key cannot be read, the id is ''
 * and the text what is wrong. A key is measured before anything of it is taken: its fields have no length that can be asked for.
 */
const READ_KEPT = `${NAMES_IN}
local kept = {}
local bytes = 0
local function read(name, key)
  local count = redis.pcall('HLEN', key)
  if type(count) == 'table' then
    table.insert(kept, { name, '', 'it cannot be read: ' .. count.err, 1 })
    return
  end
  if count == 0 then return end
  if #kept + count > ${MOST_BEATS} then
    table.insert(kept, { name, '', 'there are more than ${MOST_BEATS} reports, and ' .. count .. ' were not read', 1 })
    return
  end
  local size = redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
  if bytes + size > ${MOST_BYTES} then
    table.insert(kept, { name, '', count .. ' reports take ' .. size .. ' bytes, too many to read them', 1 })
    return
  end
  for _, id in ipairs(redis.call('HRANDFIELD', key, ${MOST_BEATS})) do
    local length = redis.call('HSTRLEN', key, id)
    bytes = bytes + #id
    if length > ${LONGEST_BEAT} or bytes + length > ${MOST_BYTES} then
      table.insert(kept, { name, id, 'it has ' .. length .. ' bytes, too many to read it', 1 })
    else
      bytes = bytes + length
      table.insert(kept, { name, id, redis.call('HGET', key, id), 0 })
    end
  end
end
for _, name in ipairs(namesIn(KEYS[1])) do read(name, ARGV[1] .. name .. ':' .. ARGV[2]) end
read('', KEYS[2])
return kept
`;

/**
 * Puts the last checkpoint of a run, and lets go of the oldest where there are too many: of a run that ended well nothing stays, and of the others not for ever.
 * KEYS: checkpoints, their times. ARGV: run id, checkpoint, how many are kept.
 */
const PUT_CHECKPOINT = `
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
if over > 0 then
  for i, id in ipairs(redis.call('ZPOPMIN', KEYS[2], math.min(over, 100))) do
    if i % 2 == 1 then redis.call('HDEL', KEYS[1], id) end
  end
end
return 1
`;

/** Puts a name among those that are read. KEYS: names. ARGV: the escaped name. */
const ENTER = `${ENTERING}
return not isEntered(KEYS[1], ARGV[1]) and enter(KEYS[1], ARGV[1]) or 1
`;

export const LIBRARY = library({
  confirm: { name: 'confirm', lua: CONFIRM, noWrites: false },
  enter: { name: 'enter', lua: ENTER, noWrites: false },
  putCheckpoint: { name: 'put_checkpoint', lua: PUT_CHECKPOINT, noWrites: false },
  readKept: { name: 'read_kept', lua: READ_KEPT, noWrites: true },
});

/**
 * An operator's word that an executor is gone: its beat and what it can do go, and always the names of which nothing is left.
 * KEYS: names, and the two keys in which executors of before had their beats and what they can do. ARGV: what executors' keys begin with, then the ids.
 */
export const FORGET = script(`#!lua
${NAMES_IN}
local left = {}
for _, name in ipairs(namesIn(KEYS[1])) do
  local key = ARGV[1] .. name
  for i = 2, #ARGV do
    redis.pcall('HDEL', key .. ':beats', ARGV[i])
    redis.pcall('HDEL', key .. ':surfaces', ARGV[i])
  end
  local forks = redis.pcall('STRLEN', key .. ':fork-reports')
  local some = forks ~= 0
  for _, kind in ipairs({ 'beats', 'surfaces', 'proposals', 'interventions', 'checkpoints' }) do
    some = some or redis.call('EXISTS', key .. ':' .. kind) == 1
  end
  if some then table.insert(left, '\\n' .. name .. '\\n') end
end
redis.call('SET', KEYS[1], table.concat(left))
for i = 2, #ARGV do
  redis.pcall('HDEL', KEYS[2], ARGV[i])
  redis.pcall('HDEL', KEYS[3], ARGV[i])
end
return 1
`);

/** Removes what executors have reported of forks, after a `recover` has ended it. KEYS: names, changes. ARGV: what executors' keys begin with. */
export const CLEAR_FORKS = script(`#!lua
${NAMES_IN}
for _, name in ipairs(namesIn(KEYS[1])) do redis.call('UNLINK', ARGV[1] .. name .. ':fork-reports') end
redis.call('INCR', KEYS[2])
return 1
`);

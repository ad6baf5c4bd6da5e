import { LONGEST_BEAT } from '../beats.ts';
import { CONFIRM } from './confirm-script.ts';
import { READ_FORKS } from './fork-scripts.ts';
import { KEEP_ALIVE, KEPT_FOR_MS } from './kept-for.ts';
import { OWN_KEYS, type RedisKeys } from './keys.ts';
import { library } from './library.ts';
import { ENTERING, MOST_NAME_BYTES, NAMES_IN, TAKE_OUT } from './names.ts';
import { script, type ScriptCall } from './scripts.ts';

/** How many beats are handed out at most, and how many bytes they may have together. */
const MOST_BEATS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Measures keys before anything of them is taken, and then hands out the smallest first, as many as are bearable:
 * whoever writes much takes the place of nobody who writes little. Where a key is not read, the id is '' and the text
 * what is wrong. Needs `NAMES_IN`.
 */
const SMALLEST_FIRST = `
local kept, found = {}, {}
local function say(name, id, problem) table.insert(kept, { name, id, problem, 1 }) end
local function measure(name, key, counting, most)
  local count = redis.pcall(counting, key)
  if count == 0 or not isEscaped(name) then return end
  if type(count) == 'table' then return say(name, '', 'it cannot be read: ' .. count.err) end
  if count > most then return say(name, '', 'there are more than ' .. most .. ' reports, and ' .. count .. ' were not read') end -- nor measured, which would take long
  local size = redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
  table.insert(found, { name = name, key = key, count = count, size = size })
end
local function each(most, read)
  local count, bytes = 0, 0
  local function share(one) return math.max(one.count / most, one.size / ${MOST_BYTES}) end
  table.sort(found, function(a, b) return share(a) < share(b) end)
  for _, one in ipairs(found) do
    if count + one.count > most then
      say(one.name, '', 'there are more than ' .. most .. ' reports, and ' .. one.count .. ' were not read')
    elseif bytes + one.size > ${MOST_BYTES} then
      say(one.name, '', one.count .. ' reports take ' .. one.size .. ' bytes, too many to read them')
    else
      count = count + one.count
      bytes = bytes + one.size
      read(one.name, one.key)
    end
  end
end
local function eachName(take)
  local names, problem = namesIn(KEYS[1])
  if problem then say('', KEYS[1], 'no executor can be found: ' .. problem .. '. Any command of an operator makes this key anew') end
  for _, name in ipairs(names) do take(name, ARGV[1] .. name .. ':' .. ARGV[2]) end
end
`;

/**
 * What executors have left under one kind of their keys, as much as is bearable; also when memory is full. KEYS: names.
 * ARGV: what executors' keys begin with, the kind. Gives, for each: the escaped name (or '' for what is said of the
 * names), the id, the text, and 1 where that is what is wrong.
 */
const READ_KEPT = `${NAMES_IN}${SMALLEST_FIRST}
eachName(function(name, key) measure(name, key, 'HLEN', ${MOST_BEATS}) end)
each(${MOST_BEATS}, function(name, key)
  for _, id in ipairs(redis.call('HRANDFIELD', key, ${MOST_BEATS})) do
    local length = redis.call('HSTRLEN', key, id)
    if length > ${LONGEST_BEAT} then
      say(name, id, 'it has ' .. length .. ' bytes, too many to read it')
    else
      table.insert(kept, { name, id, redis.call('HGET', key, id), 0 })
    end
  end
end)
return kept
`;

/**
 * The newest of what executors have added to one kind of their streams. KEYS: names. ARGV: what executors' keys begin
 * with, the kind, how many of each. Gives the same as `READ_KEPT`; the id is that of the stream.
 */
const READ_NEWEST = `${NAMES_IN}${SMALLEST_FIRST}
eachName(function(name, key) measure(name, key, 'XLEN', math.huge) end)
each(math.huge, function(name, key)
  for _, entry in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', ARGV[3])) do
    table.insert(kept, { name, entry[1], entry[2][2], 0 })
  end
end)
return kept
`;

/**
 * Puts the last checkpoint of a run, and lets go of the oldest where there are too many: of a run that ended well
 * nothing stays, and of the others not for ever. KEYS: checkpoints, their times. ARGV: run id, checkpoint, how many are
 * kept.
 */
const PUT_CHECKPOINT = `
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ${KEPT_FOR_MS.checkpoints}, 'NX')
redis.call('PEXPIRE', KEYS[2], ${KEPT_FOR_MS.checkpointTimes}, 'NX')
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
if over > 0 then
  for i, id in ipairs(redis.call('ZPOPMIN', KEYS[2], math.min(over, 100))) do
    if i % 2 == 1 then redis.call('HDEL', KEYS[1], id) end
  end
end
return 1
`;

/** Puts a name among those that are read. KEYS: names. ARGV: the escaped name, what executors' keys begin with. */
const ENTER = `${ENTERING}
return not isEntered(KEYS[1], ARGV[1]) and enter(KEYS[1], ARGV[1], ARGV[2]) or 1
`;

/**
 * An executor has left: its name goes where nothing is left under it and its user may do that; else an operator's
 * connection takes it out. KEYS: names. ARGV: the escaped name, what executors' keys begin with.
 */
const LEAVE = `${NAMES_IN}${TAKE_OUT}${KEEP_ALIVE}
local own = ARGV[2] .. ARGV[1]
keepAlive(own)
if not redis.acl_check_cmd('SET', KEYS[1], '') or isLeft(ARGV[1], own) then return 1 end
local bytes = redis.call('STRLEN', KEYS[1])
if bytes > ${MOST_NAME_BYTES} then return 1 end
local names = redis.call('GETRANGE', KEYS[1], 0, -1)
local from, to = string.find(names, '\\n' .. ARGV[1] .. '\\n', 1, true)
if from then redis.call('SET', KEYS[1], string.sub(names, 1, from - 1) .. string.sub(names, to + 1)) end
return 1
`;

export const LIBRARY = library({
  confirm: { name: 'confirm', lua: CONFIRM, noWrites: false },
  enter: { name: 'enter', lua: ENTER, noWrites: false },
  putCheckpoint: { name: 'put_checkpoint', lua: PUT_CHECKPOINT, noWrites: false },
  leave: { name: 'leave', lua: LEAVE, noWrites: false },
  readForks: { name: 'read_forks', lua: READ_FORKS, noWrites: true },
  readNewest: { name: 'read_newest', lua: READ_NEWEST, noWrites: true },
  readKept: { name: 'read_kept', lua: READ_KEPT, noWrites: true },
});

/**
 * An operator's word that an executor is gone: its beat and what it can do go, and always the names of which nothing is
 * left. KEYS: names. ARGV: what executors' keys begin with; where to look for the executor: an escaped name, or '*' for
 * everywhere; then the ids.
 */
const FORGET = script(`#!lua
${NAMES_IN}${TAKE_OUT}
for i = 3, #ARGV do
  for _, name in ipairs(ARGV[2] == '*' and namesIn(KEYS[1]) or { ARGV[2] }) do
    redis.pcall('HDEL', ARGV[1] .. name .. ':${OWN_KEYS.beats}', ARGV[i])
    redis.pcall('HDEL', ARGV[1] .. name .. ':${OWN_KEYS.surfaces}', ARGV[i])
  end
end
takeOut(KEYS[1], ARGV[1])
return 1
`);

/** `where` as `FORGET` takes it. Without ids only the names of which nothing is left go. */
export const forgetCall = (keys: RedisKeys, where: string, ...ids: readonly string[]): ScriptCall => ({
  script: FORGET,
  keys: [keys.names],
  args: [keys.executorPrefix, where, ...ids],
});

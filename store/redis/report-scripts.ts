import { LONGEST_BEAT } from '../beats.ts';
import { MOST_OPEN_APPROVALS } from '../capabilities/approvals.ts';
import { LONGEST_REQUEST } from '../approvals.ts';
import { CLAIM, CONFIRM } from './confirm-script.ts';
import { END_APPROVAL, FIND_APPROVAL, REQUEST_APPROVAL } from './approval-scripts.ts';
import { READ_FORKS } from './fork-scripts.ts';
import { END, INTEND } from './journal-scripts.ts';
import { KEEP_ALIVE, KEPT_FOR_MS } from './kept-for.ts';
import { OWN_KEYS, type RedisKeys } from './keys.ts';
import { RESERVE, SETTLE_RESERVATION } from './ledger-scripts.ts';
import { library } from './library.ts';
import { ENTERING, MOST_NAME_BYTES, NAMES_IN, TAKE_OUT } from './names.ts';
import { script, type ScriptCall } from './scripts.ts';
import { ADD_STOP, DROP_STOPS, READ_STOPS } from './stop-scripts.ts';

/** How many beats are handed out at most, and in how many bytes. */
const MOST_BEATS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Measures all keys before it reads any, and then reads the smallest first, within the bounds: an executor that writes
 * much displaces none that writes little. For a key that is not read, the id is '' and the text says what is wrong.
 * Needs `NAMES_IN`.
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
 * Reads what executors have left under one kind of their keys, within the bounds; also when memory is full. KEYS:
 * names. ARGV: what executors' keys begin with, the kind. Returns for each: the escaped name (or '' for a problem with
 * the list of names), the id, the text, and 1 where the text is a problem.
 */
const readKept = (most: number, longest: number): string => `${NAMES_IN}${SMALLEST_FIRST}
eachName(function(name, key) measure(name, key, 'HLEN', ${most}) end)
each(${most}, function(name, key)
  for _, id in ipairs(redis.call('HRANDFIELD', key, ${most})) do
    local length = redis.call('HSTRLEN', key, id)
    if length > ${longest} then
      say(name, id, 'it has ' .. length .. ' bytes, too many to read it')
    else
      table.insert(kept, { name, id, redis.call('HGET', key, id), 0 })
    end
  end
end)
return kept
`;

/**
 * Reads the newest records in one kind of executors' streams. KEYS: names. ARGV: what executors' keys begin with, the
 * kind, how many of each. Returns the same as `readKept`; the id is the record's in the stream.
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
 * Puts the last checkpoint of a run, and removes the oldest ones where there are too many. KEYS: checkpoints, their
 * times. ARGV: run id, checkpoint, how many are kept.
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

/** Puts a name into the list. KEYS: names. ARGV: the escaped name, what executors' keys begin with. */
const ENTER = `${ENTERING}
return not isEntered(KEYS[1], ARGV[1]) and enter(KEYS[1], ARGV[1], ARGV[2]) or 1
`;

/**
 * Takes out the name of an executor that has left, if there are no keys under it and this user may; else an operator's
 * connection does. KEYS: names. ARGV: the escaped name, what executors' keys begin with.
 */
const LEAVE = `${NAMES_IN}${TAKE_OUT}${KEEP_ALIVE}
local own = ARGV[2] .. ARGV[1]
keepAlive(own)
if not redis.acl_check_cmd('SET', KEYS[1], '') or isLeft(ARGV[1], own) or isSeen(ARGV[1], own) then return 1 end
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
  intend: { name: 'intend', lua: INTEND, noWrites: false },
  end: { name: 'end', lua: END, noWrites: false },
  readForks: { name: 'read_forks', lua: READ_FORKS, noWrites: true },
  readNewest: { name: 'read_newest', lua: READ_NEWEST, noWrites: true },
  readKept: { name: 'read_kept', lua: readKept(MOST_BEATS, LONGEST_BEAT), noWrites: true },
  claim: { name: 'claim', lua: CLAIM, noWrites: false },
  requestApproval: { name: 'request_approval', lua: REQUEST_APPROVAL, noWrites: false },
  findApproval: { name: 'find_approval', lua: FIND_APPROVAL, noWrites: false },
  endApproval: { name: 'end_approval', lua: END_APPROVAL, noWrites: false },
  readApprovals: {
    name: 'read_approvals',
    lua: readKept(2 * MOST_OPEN_APPROVALS, 4 * LONGEST_REQUEST),
    noWrites: true,
  },
  reserve: { name: 'reserve', lua: RESERVE, noWrites: false },
  settle: { name: 'settle', lua: SETTLE_RESERVATION, noWrites: false },
  addStop: { name: 'add_stop', lua: ADD_STOP, noWrites: false },
  readStops: { name: 'read_stops', lua: READ_STOPS, noWrites: true },
});

/**
 * Removes the beats and surfaces of executors that an operator says are gone, and all names without keys.
 * KEYS: names.
 * ARGV: what executors' keys begin with; the escaped name of the executors, or '*' for any; then their ids.
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

/** Takes stops that hold no longer out of the lists. */
export const DROP = script(DROP_STOPS);

/** `where`: the name, as `FORGET` takes it. Without ids it removes only names without keys. */
export const forgetCall = (keys: RedisKeys, where: string, ...ids: readonly string[]): ScriptCall => ({
  script: FORGET,
  keys: [keys.names],
  args: [keys.executorPrefix, where, ...ids],
});

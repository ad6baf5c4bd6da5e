import { LONGEST_BEAT } from '../beats.ts';
import { script } from './scripts.ts';

/** How many names executors may have together; beyond that a new one is refused, and no old one is passed over. */
export const MOST_NAMES = 4096;

/** How many reports of forks a name may have, and how many are judged at once. */
const MOST_FORKS = 16;
const MOST_JUDGED = 256;

/** The longest report of a fork that is read, in bytes. */
const LONGEST_FORK = 4096;

/**
 * One round trip: writes the beat, so that a Redis which takes no writes refuses the whole, and reads where the log stands.
 * KEYS: the executor's beats and forks, names, changes.
 * ARGV: executor id, beat, its fork report or '', the head it holds or '', that head's log id, how many events are handed out at most,
 * its escaped name, what executors' keys begin with, the number of changes up to which it has judged the reports, or '',
 * and the keys of head, state and log: not among KEYS, which Redis takes for written, and an executor's user may only read them.
 * Gives: the head or nil; the log's last id or nil; 1 when there is a state; the log from the held head on, empty when that is the head;
 * the number of changes; and when that is another than the judged one, the reports, each with its name, its id, its text and the log's entry of the head
 * that it holds, the state's entry `control`, and 1 when there were more reports than are judged.
 * A report that ends with its generation is removed by the executor that made it.
 */
export const CONFIRM = script(`#!lua
local HEAD, STATE, LOG = ARGV[10], ARGV[11], ARGV[12]
local head = redis.call('GET', HEAD)
local whole = redis.call('HEXISTS', STATE, 'control')
local tail = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
local generation
if head then
  local readable, decoded = pcall(cjson.decode, head)
  if not readable or type(decoded) ~= 'table' then return redis.error_reply('CORRUPT ' .. HEAD .. ' is no head') end
  generation = decoded.generation
end
local own = redis.call('HGET', KEYS[2], ARGV[1])
if not redis.call('LPOS', KEYS[3], ARGV[7], 'MAXLEN', ${MOST_NAMES}) then
  if redis.call('LLEN', KEYS[3]) >= ${MOST_NAMES} then
    return redis.error_reply('FULL ' .. KEYS[3] .. ' has ${MOST_NAMES} names of executors')
  end
  redis.call('RPUSH', KEYS[3], ARGV[7])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] ~= '' then
  if own ~= ARGV[3] and (own or redis.call('HLEN', KEYS[2]) < ${MOST_FORKS}) then
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
    redis.call('INCR', KEYS[4])
  end
elseif own and generation then
  local readable, report = pcall(cjson.decode, own)
  if not readable or type(report) ~= 'table' or report.against ~= generation then
    redis.call('HDEL', KEYS[2], ARGV[1])
    redis.call('INCR', KEYS[4])
  end
end
local changes = redis.call('GET', KEYS[4]) or '0'
local reports = {}
local more = 0
if head and changes ~= ARGV[9] then
  for _, name in ipairs(redis.call('LRANGE', KEYS[3], 0, ${MOST_NAMES - 1})) do
    local found = redis.pcall('HRANDFIELD', ARGV[8] .. name .. ':forks', ${MOST_FORKS}, 'WITHVALUES')
    if type(found) == 'table' and not found.err then
      for i = 1, #found, 2 do
        local held
        if #found[i + 1] <= ${LONGEST_FORK} then
          local readable, report = pcall(cjson.decode, found[i + 1])
          held = readable and type(report) == 'table' and report.against == generation and report.held
        end
        if type(held) == 'table' and #reports >= ${MOST_JUDGED} then
          more = 1
        elseif type(held) == 'table' then
          local epoch = held.epoch
          local entry
          if type(epoch) == 'number' and epoch >= 1 and epoch <= 2^48 and epoch % 1 == 0 then
            local id = string.format('%.0f-0', epoch)
            entry = redis.call('XRANGE', LOG, id, id)[1]
          end
          table.insert(reports, { name, found[i], found[i + 1], entry and entry[2][2] or '' })
        end
      end
    end
  end
end
local entries = {}
if head and ARGV[4] ~= '' and ARGV[4] ~= head then
  entries = redis.call('XRANGE', LOG, ARGV[5], '+', 'COUNT', ARGV[6] + 2)
end
return { head, tail and tail[1] or false, whole, entries, changes, reports, #reports > 0 and redis.call('HGET', STATE, 'control') or false, more }
`);

/** How many beats are handed out at most, and how many bytes they may have together. */
const MOST_BEATS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * What executors have left under one kind of their keys, as much as is bearable; also when memory is full.
 * KEYS: names, and the one key in which executors of before had it. ARGV: what executors' keys begin with, the kind.
 * Gives, for each: the escaped name or '', the id, and the text, or the number of its bytes where it is too long. Where a key cannot be read, the id is ''
 * and the text what is wrong.
 */
export const READ_KEPT = script(`#!lua flags=no-writes
local kept = {}
local bytes = 0
local function read(name, key)
  local ids = redis.pcall('HRANDFIELD', key, ${MOST_BEATS})
  if ids.err then
    table.insert(kept, { name, '', 'it cannot be read: ' .. ids.err, 1 })
    return
  end
  for _, id in ipairs(ids) do
    if #kept >= ${MOST_BEATS} then
      table.insert(kept, { name, '', 'there are more than ${MOST_BEATS} reports, and the others were not read', 1 })
      return
    end
    local length = redis.call('HSTRLEN', key, id)
    if length > ${LONGEST_BEAT} or bytes + length > ${MOST_BYTES} then
      table.insert(kept, { name, id, 'it has ' .. length .. ' bytes, too many to read it', 1 })
    else
      bytes = bytes + length
      table.insert(kept, { name, id, redis.call('HGET', key, id), 0 })
    end
  end
end
local seen = {}
for _, name in ipairs(redis.call('LRANGE', KEYS[1], 0, ${MOST_NAMES - 1})) do
  if not seen[name] then
    seen[name] = true
    read(name, ARGV[1] .. name .. ':' .. ARGV[2])
  end
end
read('', KEYS[2])
return kept
`);

/**
 * An operator's word that an executor is gone: its beat and what it can do go, and the names of which nothing is left.
 * KEYS: names, and the two keys in which executors of before had their beats and what they can do. ARGV: what executors' keys begin with, then the ids.
 */
export const FORGET = script(`#!lua
for _, name in ipairs(redis.call('LRANGE', KEYS[1], 0, ${MOST_NAMES - 1})) do
  local key = ARGV[1] .. name
  for i = 2, #ARGV do
    redis.pcall('HDEL', key .. ':beats', ARGV[i])
    redis.pcall('HDEL', key .. ':surfaces', ARGV[i])
  end
  if redis.call('EXISTS', key .. ':beats', key .. ':forks', key .. ':proposals') == 0 then redis.call('LREM', KEYS[1], 0, name) end
end
for i = 2, #ARGV do
  redis.pcall('HDEL', KEYS[2], ARGV[i])
  redis.pcall('HDEL', KEYS[3], ARGV[i])
end
return 1
`);

/** Removes what executors have reported of forks, after a \`recover\` has ended it. KEYS: names, changes. ARGV: what executors' keys begin with. */
export const CLEAR_FORKS = script(`#!lua
for _, name in ipairs(redis.call('LRANGE', KEYS[1], 0, ${MOST_NAMES - 1})) do redis.call('UNLINK', ARGV[1] .. name .. ':forks') end
redis.call('INCR', KEYS[2])
return 1
`);

/**
 * Puts the last checkpoint of a run, and lets go of the oldest where there are too many: of a run that ended well nothing stays, and of the others not for ever.
 * KEYS: checkpoints, their times. ARGV: run id, checkpoint, how many are kept.
 */
export const PUT_CHECKPOINT = script(`#!lua
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
`);

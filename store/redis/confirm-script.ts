import { FORKS_IN, MOST_FORK_BYTES, MOST_FORKS } from './fork-scripts.ts';
import { ENTERING } from './names.ts';
import { KEEP_ALIVE } from './kept-for.ts';
import { STOPS_IN } from './stop-scripts.ts';

/**
 * One round trip: writes the beat, so that a Redis which takes no writes refuses all of it, and reads where the log
 * stands. The beat gets a last member, `heard_at`: when that was, in milliseconds by the clock of Redis.
 * KEYS: the executor's beats and forks, names, changes, head, state, log. ARGV: executor id, beat, its escaped id, its
 * fork report or '', the head it holds or '', that head's log id, how many events are handed out at most, its escaped
 * name, what executors' keys begin with, and the number of changes up to which it has judged the reports, or
 * ''. Returns: the head or nil; the log's last id or nil; 1 when there is a state; the log from the held head on, empty
 * when that is the head; the number of changes; when that differs from the judged one, the reports (name, id and text
 * of each, and the log's entry of the head that it holds), the state's entry `control`, and 1 when there were more
 * reports than are judged (of names that are not excluded); the answer of TIME; and with the reports the stops (name
 * and lines of each). An executor's confirmation
 * also removes its own report of a generation that is over.
 */
export const CONFIRM = `${ENTERING}${FORKS_IN}${STOPS_IN}${KEEP_ALIVE}
local HEAD, STATE, LOG = KEYS[5], KEYS[6], KEYS[7]
local ID, FORK = ARGV[3], ARGV[4]
local time = redis.call('TIME')
local head = redis.call('GET', HEAD)
local whole = redis.call('HEXISTS', STATE, 'control')
local tail = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
local generation
if head then
  local readable, decoded = pcall(cjson.decode, head)
  generation = readable and type(decoded) == 'table' and decoded.generation
  if type(generation) ~= 'string' then return redis.error_reply('CORRUPT ' .. HEAD .. ' is no head') end
end
if type(redis.pcall('GET', KEYS[4])) == 'table' then
  return redis.error_reply('CORRUPT ' .. KEYS[4] .. ' is no number: remove it (DEL), and it is made anew')
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
  local refused = enter(KEYS[3], ARGV[8], ARGV[9])
  if refused then return refused end
end
local heardAt = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], string.sub(ARGV[2], 1, -2) .. ',"heard_at":' .. heardAt .. '}')
keepAlive(ARGV[9] .. ARGV[8])
if FORK ~= '' then
  if own ~= FORK and #beside < ${MOST_FORKS} then report(FORK) end
elseif own and generation then
  local readable, decoded = pcall(cjson.decode, own)
  if not readable or type(decoded) ~= 'table' or decoded.against ~= generation then report(nil) end
end
local changes = redis.call('GET', KEYS[4]) or '0'
local reports = {}
local more = 0
local control = false
local stops = false
if head and changes ~= ARGV[10] then
  control = redis.call('HGET', STATE, 'control')
  reports, more = forksIn(KEYS[3], ARGV[9], generation, excludedBy(control))
  stops = stopsIn(KEYS[3], ARGV[9])
  for _, report in ipairs(reports) do
    local epoch = report[4]
    local entry
    if type(epoch) == 'number' and epoch >= 1 and epoch <= 2^48 and epoch % 1 == 0 then
      local at = string.format('%.0f-0', epoch)
      entry = redis.call('XRANGE', LOG, at, at)[1]
    end
    report[4] = entry and entry[2][2] or ''
  end
end
local entries = {}
if head and ARGV[5] ~= '' and ARGV[5] ~= head then
  entries = redis.call('XRANGE', LOG, ARGV[6], '+', 'COUNT', ARGV[7] + 2)
end
return { head, tail and tail[1] or false, whole, entries, changes, reports, control, more, time, stops }
`;

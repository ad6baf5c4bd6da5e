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
 * and lines of each); 1 where the held head is archived. A report of a head that is archived is left out: nobody can
 * tell by what is left whether it was there. An executor's confirmation also removes its own report of a generation
 * that is over.
 */
const confirming = ({
  also,
  gives,
}: {
  readonly also: string;
  readonly gives: string;
}): string => `${ENTERING}${FORKS_IN}${STOPS_IN}${KEEP_ALIVE}
local HEAD, STATE, LOG = KEYS[5], KEYS[6], KEYS[7]
local function begins()
  local readable, decoded = pcall(cjson.decode, redis.call('HGET', STATE, 'archive') or '')
  local archived = readable and type(decoded) == 'table' and type(decoded.head) == 'table' and decoded.head.epoch
  local first = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
  if type(archived) ~= 'number' or not first then return 0 end
  return math.min(archived, tonumber(string.match(first[1], '^%d+')))
end
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
${also}local changes = redis.call('GET', KEYS[4]) or '0'
local reports = {}
local found = {}
local more = 0
local control = false
local stops = false
if head and changes ~= ARGV[10] then
  control = redis.call('HGET', STATE, 'control')
  found, more = forksIn(KEYS[3], ARGV[9], generation, excludedBy(control))
  stops = stopsIn(KEYS[3], ARGV[9])
  local from = #found > 0 and begins() or 0
  for _, report in ipairs(found) do
    local epoch = report[4]
    local entry
    if type(epoch) == 'number' and epoch >= 1 and epoch <= 2^48 and epoch % 1 == 0 then
      local at = string.format('%.0f-0', epoch)
      entry = redis.call('XRANGE', LOG, at, at)[1]
    end
    report[4] = entry and entry[2][2] or ''
    if entry or type(epoch) ~= 'number' or epoch >= from then table.insert(reports, report) end
  end
end
local entries = {}
if head and ARGV[5] ~= '' and ARGV[5] ~= head then
  entries = redis.call('XRANGE', LOG, ARGV[6], '+', 'COUNT', ARGV[7] + 2)
end
local archived = 0
if #entries > 0 and entries[1][1] ~= ARGV[6] and tonumber(string.match(ARGV[6], '^%d+')) < begins() then archived = 1 end
local answer = { head, tail and tail[1] or false, whole, entries, changes, reports, control, more, time, stops, archived }
return ${gives}
`;

export const CONFIRM = confirming({ also: '', gives: 'answer' });

/**
 * The same, and in the same step a claim of what was approved: of two claims one gets the place. KEYS: as `CONFIRM`,
 * then the claims. ARGV: as `CONFIRM`, then the id, the claim, how often it can be claimed (0: once, being no standing
 * approval), until when in milliseconds, and what stands there where that is over. Returns what `CONFIRM` does, what
 * has the place, and which of the uses it is.
 */
export const CLAIM = confirming({
  also: `
local claimed, use = '', 0
local function stamped(text) return string.sub(text, 1, -2) .. ',"at_ms":' .. heardAt .. '}' end
local times = tonumber(ARGV[13])
local isOver = tonumber(heardAt) >= tonumber(ARGV[14])
local mine = string.sub(ARGV[12], 1, -2)
for i = 1, math.max(1, times) do
  local id = times == 0 and ARGV[11] or ARGV[11] .. '.' .. i
  local kept = redis.call('HGET', KEYS[8], id)
  local isFree = not kept
  if isFree then
    kept = stamped(isOver and ARGV[15] or ARGV[12])
    if times == 0 or not isOver then redis.call('HSETNX', KEYS[8], id, kept) end
  end
  claimed, use = kept, i
  if isFree or string.sub(kept, 1, #mine) == mine then break end
end
`,
  gives: '{ answer, claimed, use }',
});

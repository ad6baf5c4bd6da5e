import { OWN_KEYS } from './keys.ts';
import { script } from './scripts.ts';

/**
 * How what is intended is kept, for scripts. In the hash of the journal a field is a key, a line end and the number of
 * an attempt; its value the escaped name of the executor, the id of the intent, the escaped id of the executor, the
 * time in milliseconds, and the intent as JSON. In the hash of a name a field is the id of an intent, a line end and
 * `landed` or `ended`; its value the time, and the end as JSON.
 */
const INTENTS = `
local function fieldOf(key, attempt) return key .. '\\n' .. string.format('%.0f', attempt) end
local function read(value) return string.match(value, '^(%S+) (%S+) (%S+) (%d+) ') end
local function now()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end
local function endsOf(prefix, value)
  local name, id = read(value)
  if not name then return false, false end
  local key = prefix .. name .. ':${OWN_KEYS.journal}'
  return redis.call('HGET', key, id .. '\\nlanded'), redis.call('HGET', key, id .. '\\nended')
end
`;

/**
 * Intends one attempt of a key, if nobody has intended it. It reads and adds, and replaces nothing: the permission to
 * run it is not one to change what is there. Where the very same intent is there already, its answer was lost; then the
 * run names it once more, so that a WAIT has a write to wait for.
 * KEYS: journal, runs, the run's list. ARGV: idempotency key, attempt, the intent's id, the escaped name and id of the
 * executor, the intent as JSON, the run or '', what executors' keys begin with. Returns: 1 for a new one; else 0, the
 * field and value of the attempt that answers for the key (`answering`), and what has landed and ended of it, each ''
 * where there is nothing.
 */
export const INTEND = `${INTENTS}
local KEY, attempt = ARGV[1], tonumber(ARGV[2])
local last
local n = 1
while true do
  local field = fieldOf(KEY, n)
  local value = redis.call('HGET', KEYS[1], field)
  if not value and n >= attempt then break end
  if value then
    local _, id = read(value)
    if id == ARGV[3] then
      redis.call('RPUSH', KEYS[3], field)
      return { 1 }
    end
    local landed, ended = endsOf(ARGV[8], value)
    last = { 0, field, value, landed or '', ended or '' }
    if landed or (n >= attempt and not string.find(ended or '', '"not_started"', 1, true)) then return last end
  end
  n = n + 1
end
if n > attempt then return last end
local field = fieldOf(KEY, attempt)
redis.call('HSETNX', KEYS[1], field, table.concat({ ARGV[4], ARGV[3], ARGV[5], now(), ARGV[6] }, ' '))
if redis.call('RPUSH', KEYS[3], field) == 1 then redis.call('RPUSH', KEYS[2], ARGV[7]) end
return { 1 }
`;

/**
 * Writes the end of an intent, where it is this executor's and has none that is final. Returns 0 where there is no such
 * intent, else 1.
 * KEYS: journal, the executor's own journal, the run's list. ARGV: idempotency key, attempt, the intent's id, the
 * escaped name and id of the executor, 1 where it has landed, the end as JSON.
 */
export const END = `${INTENTS}
local field = fieldOf(ARGV[1], tonumber(ARGV[2]))
local value = redis.call('HGET', KEYS[1], field)
if not value then return 0 end
local name, id, executor = read(value)
if name ~= ARGV[4] or id ~= ARGV[3] or executor ~= ARGV[5] then return 0 end
local hasLanded = ARGV[6] == '1'
local landed = redis.call('HGET', KEYS[2], id .. '\\nlanded')
local ended = redis.call('HGET', KEYS[2], id .. '\\nended')
local isFinal = landed or (ended and not (hasLanded and string.find(ended, '"unknown"', 1, true)))
if isFinal then
  redis.call('RPUSH', KEYS[3], field) -- the answer to it may have been lost: a WAIT has a write to wait for
  return 1
end
redis.call('HSETNX', KEYS[2], id .. (hasLanded and '\\nlanded' or '\\nended'), now() .. ' ' .. ARGV[7])
return 1
`;

/**
 * Removes all attempts of some keys, with their ends. KEYS: journal. ARGV: for each, the field in the journal, the own
 * journal of its executor, and the intent's id.
 */
export const REMOVE = script(`#!lua
for i = 1, #ARGV, 3 do
  redis.call('HDEL', KEYS[1], ARGV[i])
  if ARGV[i + 1] ~= '' then
    redis.call('HDEL', ARGV[i + 1], ARGV[i + 2] .. '\\nlanded', ARGV[i + 2] .. '\\nended')
  end
end
return 1
`);

/**
 * Takes the first fields out of the list of a run; and the run out of the list of runs, where it has none left: in one
 * step, since its executors may go on. KEYS: the run's list, runs. ARGV: how many, the run or ''.
 */
export const SHORTEN = script(`#!lua
redis.call('LTRIM', KEYS[1], ARGV[1], -1)
if redis.call('LLEN', KEYS[1]) == 0 then redis.call('LREM', KEYS[2], 0, ARGV[2]) end
return 1
`);

import { escapeId, nameOf, OWN_KEYS, type OwnKey } from './keys.ts';

/**
 * How many names executors may have together, and in how many bytes. Beyond that a new name is refused, so that no old
 * one is passed over.
 */
const MOST_NAMES = 8192;
export const MOST_NAME_BYTES = 512 * 1024;

/** The share of these bounds from which on unused names are taken out by any user who may. */
const MANY = 0.75;

/**
 * Reads the names in Lua: each once, and what is wrong with their key. Each name is written between two line ends, so
 * an unfinished one ends where the next one begins. Texts that `escapeId` would not make are no names (`%6Dailer` is
 * not `mailer`, and `team:mailer` is none). Scripts check that (`isEscaped`) only where there is something under a
 * name, since any executor may add thousands of texts.
 */
export const NAMES_IN = `
local function escaped(name)
  return (string.gsub(name, '[^%w%-_%.~]', function(char) return string.format('%%%02X', string.byte(char)) end))
end
local function isEscaped(name)
  if string.find(name, '[^%w%-_%.~%%]') then return false end
  if not string.find(name, '%', 1, true) then return true end
  return name == escaped((string.gsub(name, '%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end)))
end
local function namesIn(key)
  local names, seen = {}, {}
  local text = redis.pcall('GETRANGE', key, 0, ${MOST_NAME_BYTES - 1})
  if type(text) == 'table' then return names, text.err end
  for name in string.gmatch(text, '[^\\n]+') do
    if not seen[name] then
      seen[name] = true
      table.insert(names, name)
      if #names == ${MOST_NAMES} then break end
    end
  end
  return names
end
`;

/**
 * The keys that keep a name in the list: all of its own but six. Reports of forks are a string that `SET` leaves there
 * when it is empty, times go with their checkpoints and requests, reservations with their ledger, and what was seen
 * keeps a name only while there is room: with it each executor leaves its name for days, and a full list stops new
 * ones. A journal is found by the intents that all share, which say under which name it is.
 */
const KEEPS_NAME: Readonly<Record<OwnKey, string | null>> = {
  ...OWN_KEYS,
  forks: null,
  checkpointTimes: null,
  approvalTimes: null,
  reservation: null,
  seen: null,
  journal: null,
};

const LEFT = Object.values(KEEPS_NAME)
  .flatMap((key) => (key === null ? [] : [`own .. ':${key}'`]))
  .join(', ');

/**
 * Takes out the names without keys; where many are left, also those under which there is only what was seen. Needs
 * `NAMES_IN`.
 */
export const TAKE_OUT = `
local function isLeft(name, own)
  if not isEscaped(name) then return false end
  return redis.pcall('STRLEN', own .. ':${OWN_KEYS.forks}') ~= 0 or redis.call('EXISTS', ${LEFT}) > 0
end
local function isSeen(name, own)
  return isEscaped(name) and redis.call('EXISTS', own .. ':${OWN_KEYS.seen}') > 0
end
local function takeOut(key, prefix)
  local left, andSeen = {}, {}
  for _, name in ipairs(namesIn(key)) do
    local line = '\\n' .. name .. '\\n'
    local isNeeded = isLeft(name, prefix .. name)
    if isNeeded then table.insert(left, line) end
    if isNeeded or isSeen(name, prefix .. name) then table.insert(andSeen, line) end
  end
  local all = table.concat(andSeen)
  local isCrowded = #andSeen > ${MANY * MOST_NAMES} or #all > ${MANY * MOST_NAME_BYTES}
  redis.call('SET', key, isCrowded and table.concat(left) or all)
end
`;

/**
 * Whether a name is in the list (nearly always it is), and how it gets there; returns an error where it cannot. Where
 * there is no room, a user with all permissions makes some; a user who is confined to a name waits for an operator.
 */
export const ENTERING = `${NAMES_IN}${TAKE_OUT}
local function isEntered(key, name)
  return string.find(redis.call('GETRANGE', key, 0, ${MOST_NAME_BYTES - 1}), '\\n' .. name .. '\\n', 1, true)
end
local function enter(key, name, prefix)
  local names, bytes
  local function isFull(share)
    bytes = redis.call('STRLEN', key)
    names = namesIn(key)
    return bytes + #name + 2 > share * ${MOST_NAME_BYTES} or #names >= share * ${MOST_NAMES}
  end
  if isFull(${MANY}) and redis.acl_check_cmd('SET', key, '') then takeOut(key, prefix) end
  if isFull(1) then
    return redis.error_reply('FULL ' .. key .. ' has ' .. #names .. ' names of executors in ' .. bytes .. ' bytes')
  end
  redis.call('APPEND', key, '\\n' .. name .. '\\n')
end
`;

/** The names in the text of their key: what `namesIn` finds and `isEscaped` accepts. */
export const namesOf = (text: string): string[] => linesOf(text).slice(0, MOST_NAMES).filter(isEscaped);

const linesOf = (text: string): string[] => [...new Set(text.split('\n').filter((line) => line !== ''))];

const isEscaped = (name: string): boolean => {
  if (!/^[\w\-.~%]+$/.test(name)) return false;
  return !name.includes('%') || escapeId(nameOf(name)) === name;
};

/** True when there is not much room left. Texts that are no names take room too. */
export const areManyNames = (text: string): boolean =>
  Buffer.byteLength(text) > MANY * MOST_NAME_BYTES || linesOf(text).length > MANY * MOST_NAMES;

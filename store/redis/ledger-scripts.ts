import { MOST_AMOUNT } from '../../flags/index.ts';
import { SLOTS } from '../../flags/sliding-count.ts';
import { GRACE_MS, OPEN_MS, SETTLED_MS } from '../ledger-book.ts';
import { OWN_KEYS } from './keys.ts';
import { ENTERING, MOST_NAME_BYTES } from './names.ts';

/** The field of an executors' ledger that says that it must never expire: it has an account without an end. */
const KEPT = 'kept';

/** From how many accounts on a ledger looks for some that are over, each time it is written. */
const MANY = 64;

/** How old the last change of an account is before its ledger is looked after again, in milliseconds. */
const UPKEEP_MS = 60_000;

/**
 * How an account is written, and what it comes to: `WARNED TOUCHED KIND A B;SLOT SPENT RESERVED;…`, all of them
 * numbers but the kind: `t` (A: how long it may be idle, -1 for ever), `f` (A, B: from and until), `s` (A: its length).
 * WARNED is the slot in which it has warned, or -1. Lua's numbers are doubles, as JavaScript's: whole up to 2^53.
 */
const ACCOUNTS = `
local floor, max, match, format = math.floor, math.max, string.match, string.format
local function slotAt(kind, a, now) return kind == 's' and floor(now / max(1, math.ceil(a / ${SLOTS}))) or 0 end
local function endOf(account)
  if account.kind == 'f' then return account.b + ${GRACE_MS} end
  if account.kind == 's' then return account.touched + 2 * account.a end
  return account.a < 0 and math.huge or account.touched + account.a
end
local function readAccount(text, now)
  if not text then return nil end
  local warned, touched, kind, a, b, slots = match(text, '^(%S+) (%S+) (%a) (%S+) ([^;%s]+)(.*)$')
  local account = { warned = tonumber(warned), touched = tonumber(touched), kind = kind, a = tonumber(a), b = tonumber(b) }
  if not (account.warned and account.touched and account.a and account.b) or endOf(account) <= now then return nil end
  local found = {}
  account.slots = found
  local oldest = kind == 's' and slotAt(kind, account.a, now) - ${SLOTS} or -math.huge
  for number, spent, reserved in string.gmatch(slots, ';(%S+) (%S+) ([^;%s]+)') do
    local slot = { tonumber(number), tonumber(spent), tonumber(reserved) }
    if slot[1] and slot[2] and slot[3] and slot[1] >= oldest then found[#found + 1] = slot end
  end
  return account
end
local function writeAccount(account)
  local text = format('%.0f %.0f %s %.0f %.0f', account.warned, account.touched, account.kind, account.a, account.b)
  for _, slot in ipairs(account.slots) do text = text .. format(';%.0f %.0f %.0f', slot[1], slot[2], slot[3]) end
  return text
end
local function slotNumbered(account, number)
  local slots = account.slots
  for i = #slots, 1, -1 do if slots[i][1] == number then return slots[i] end end
  local slot = { number, 0, 0 }
  slots[#slots + 1] = slot
  return slot
end
-- Clients may read an integer wrong that is this long, and no text.
local function whole(number) return number < 2^50 and number or format('%.0f', number) end
local function escapedName(name)
  if not string.find(name, '[%%\\n]') then return name end
  return (string.gsub(name, '[%%\\n]', { ['%'] = '%25', ['\\n'] = '%0A' }))
end
local function nameFrom(escaped)
  return (string.gsub(escaped, '%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end))
end
local function timeNow()
  local time = redis.call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000)
end
`;

/**
 * Sets aside all charges of one call, or none: one step, in which what executors of all names have spent is added up.
 * Each name counts in a hash of its own, so what an executor writes there says nothing of what others have spent; less
 * than nothing is nothing.
 * KEYS: the own ledger, the reservation, names. ARGV: the own escaped name, what executors' keys begin with, how many
 * charges, then of each: account, amount, limit, warn or -1, kind, A, B, type. Returns: 1, 0 (over) or 2 (another day),
 * the time, then of each charge: spent, reserved, 1 where it is over, 1 where it warns.
 */
export const RESERVE = `${ENTERING}${ACCOUNTS}
local now = timeNow()
local count = tonumber(ARGV[3])
local fields = {}
for i = 1, count do
  local at = 8 * i - 4
  if ARGV[at + 4] == 'f' and (now < tonumber(ARGV[at + 5]) or now >= tonumber(ARGV[at + 6])) then return { 2, now } end
  fields[i] = ARGV[at]
end
fields[count + 1] = '${KEPT}'
local own = redis.call('HMGET', KEYS[1], unpack(fields))
fields[count + 1] = nil
local isKept, isKnown, isNew = own[count + 1], own[count + 1], false
local mine, spent, reserved, warned, byName = {}, {}, {}, {}, {}
local function add(i, account)
  for _, slot in ipairs(account.slots) do
    spent[i] = spent[i] + max(0, slot[2])
    reserved[i] = reserved[i] + max(0, slot[3])
    if slot[1] == account.warned then warned[i] = true end
  end
end
for i = 1, count do
  isKnown = isKnown or own[i]
  local account = byName[fields[i]] or readAccount(own[i], now)
  if not account or account.touched < now - ${UPKEEP_MS} then isNew = true end
  if not account then
    local at = 8 * i - 4
    account = { warned = -1, touched = now, kind = ARGV[at + 4], a = tonumber(ARGV[at + 5]), b = tonumber(ARGV[at + 6]), slots = {} }
  end
  byName[fields[i]] = account
  mine[i], spent[i], reserved[i] = account, 0, 0
  add(i, account)
end
-- A name stays in the list for as long as there is a ledger under it.
if not isKnown and not isEntered(KEYS[3], ARGV[1]) then
  local refused = enter(KEYS[3], ARGV[1], ARGV[2])
  if refused then return refused end
end
if count > 0 and redis.call('GETRANGE', KEYS[3], 0, ${MOST_NAME_BYTES - 1}) ~= '\\n' .. ARGV[1] .. '\\n' then
  for _, name in ipairs(namesIn(KEYS[3])) do
    if name ~= ARGV[1] and isEscaped(name) then
      local others = redis.pcall('HMGET', ARGV[2] .. name .. ':${OWN_KEYS.ledger}', unpack(fields))
      for i = 1, others.err and 0 or count do
        local account = others[i] and readAccount(others[i], now)
        if account then add(i, account) end
      end
    end
  end
end
local function answer(code, over, warns)
  local result = { code, now }
  for i = 1, count do
    local at = 4 * i
    result[at - 1], result[at] = whole(spent[i]), whole(reserved[i])
    result[at + 1], result[at + 2] = over[i] and 1 or 0, warns[i] and 1 or 0
  end
  return result
end
local function again()
  local made = redis.call('GET', KEYS[2])
  if not made then return nil end
  local warns = {}
  for warning in string.gmatch(made, '\\n%S+ %S+ %S+ (%d) ') do warns[#warns + 1] = warning == '1' end
  return answer(1, {}, warns)
end
local over, isOver, added = {}, false, {}
for i = 1, count do
  local at = 8 * i - 4
  added[fields[i]] = (added[fields[i]] or 0) + tonumber(ARGV[at + 1])
  local sum = spent[i] + reserved[i] + added[fields[i]]
  over[i] = not (sum <= tonumber(ARGV[at + 2]) and sum <= ${MOST_AMOUNT})
  isOver = isOver or over[i]
end
if isOver then return again() or answer(0, over, {}) end
local made, warns, values, lasts = { 'open' }, {}, {}, 0
for i = 1, count do
  local at = 8 * i - 4
  local account, warn = mine[i], tonumber(ARGV[at + 3])
  local number = slotAt(account.kind, account.a, now)
  local slot = slotNumbered(account, number)
  slot[3] = slot[3] + tonumber(ARGV[at + 1])
  account.touched = now
  if warn >= 0 and not warned[i] and account.warned ~= number and spent[i] + reserved[i] + added[fields[i]] >= warn then
    warns[i] = true
    account.warned = number
  end
  made[i + 1] = number .. ' ' .. ARGV[at + 1] .. ' ' .. ARGV[at + 7] .. ' ' .. (warns[i] and 1 or 0) .. ' ' .. escapedName(fields[i])
end
if not redis.call('SET', KEYS[2], table.concat(made, '\\n'), 'PX', ${OPEN_MS}, 'NX') then return again() end
for i = 1, count do
  values[2 * i - 1], values[2 * i] = fields[i], writeAccount(mine[i])
  reserved[i] = reserved[i] + added[fields[i]]
  local last = endOf(mine[i])
  if last ~= math.huge then lasts = max(lasts, last - now) elseif not isKept then isKept = '' end
end
if isKept == '' then
  values[#values + 1], values[#values + 2] = '${KEPT}', '1'
  redis.call('PERSIST', KEYS[1])
end
if count > 0 then redis.call('HSET', KEYS[1], unpack(values)) end
if isNew then
  if not isKept and redis.call('PTTL', KEYS[1]) < lasts + ${UPKEEP_MS} then redis.call('PEXPIRE', KEYS[1], lasts + 2 * ${UPKEEP_MS}) end
  if redis.call('HLEN', KEYS[1]) > ${MANY} then
    local some = redis.call('HRANDFIELD', KEYS[1], 4, 'WITHVALUES')
    for i = 1, #some, 2 do
      if some[i] ~= '${KEPT}' and not readAccount(some[i + 1], now) then redis.call('HDEL', KEYS[1], some[i]) end
    end
  end
end
return answer(1, {}, warns)
`;

/**
 * Settles a reservation, or releases it (each cost 0); the first of the two counts. What is settled is still known for
 * a while, so that the same request is not reserved again.
 * KEYS: the own ledger, the reservation. ARGV: the cost in each type, or '' where it stays as reserved: usd, tokens,
 * calls.
 */
export const SETTLE_RESERVATION = `${ACCOUNTS}
local made = redis.call('GET', KEYS[2])
if not made or string.sub(made, 1, 5) ~= 'open\\n' then return 0 end
local now = timeNow()
local costs = { usd = tonumber(ARGV[1]), tokens = tonumber(ARGV[2]), calls = tonumber(ARGV[3]) }
for number, amount, type, escaped in string.gmatch(string.sub(made, 5), '\\n(%S+) (%S+) (%S+) %d ([^\\n]+)') do
  local name = nameFrom(escaped)
  local account = readAccount(redis.call('HGET', KEYS[1], name), now)
  for _, slot in ipairs(account and account.slots or {}) do
    if slot[1] == tonumber(number) then
      slot[3] = slot[3] - tonumber(amount)
      slot[2] = math.min(${MOST_AMOUNT}, slot[2] + (costs[type] or tonumber(amount)))
      account.touched = now
      redis.call('HSET', KEYS[1], name, writeAccount(account))
    end
  end
end
redis.call('SET', KEYS[2], 'closed' .. string.sub(made, 5), 'PX', ${SETTLED_MS})
return 1
`;

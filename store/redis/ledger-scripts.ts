import { MOST_AMOUNT } from '../../flags/index.ts';
import { SLOTS } from '../../flags/sliding-count.ts';
import { GRACE_MS, OPEN_MS, SETTLED_MS } from '../ledger-book.ts';
import { OWN_KEYS } from './keys.ts';
import { ENTERING } from './names.ts';

/** The field of an executors' ledger that says that it must never expire: it has an account without an end. */
const KEPT = 'kept';

/** From how many accounts on a ledger looks for some that are over, each time it is written. */
const MANY = 64;

/**
 * How an account is written, and what it comes to: `WARNED TOUCHED KIND A B;SLOT SPENT RESERVED;…`, all of them
 * numbers but the kind: `t` (A: how long it may be idle, -1 for ever), `f` (A, B: from and until), `s` (A: its length).
 * WARNED is the slot in which it has warned, or -1. Lua's numbers are doubles, as JavaScript's: whole up to 2^53.
 */
const ACCOUNTS = `
local function whole(number) return string.format('%.0f', number) end
local function slotAt(kind, a, now)
  return kind == 's' and math.floor(now / math.max(1, math.ceil(a / ${SLOTS}))) or 0
end
local function endOf(account)
  if account.kind == 'f' then return account.b + ${GRACE_MS} end
  if account.kind == 's' then return account.touched + 2 * account.a end
  return account.a < 0 and math.huge or account.touched + account.a
end
local function readAccount(text, now)
  if not text then return nil end
  local head, slots = string.match(text, '^([^;]*)(.*)$')
  local warned, touched, kind, a, b = string.match(head, '^(%S+) (%S+) (%a) (%S+) (%S+)$')
  local account = { warned = tonumber(warned), touched = tonumber(touched), kind = kind, a = tonumber(a), b = tonumber(b) }
  if not (account.warned and account.touched and account.a and account.b) or endOf(account) <= now then return nil end
  account.slots = {}
  local oldest = kind == 's' and slotAt(kind, account.a, now) - ${SLOTS} or -math.huge
  for number, spent, reserved in string.gmatch(slots, ';(%S+) (%S+) ([^;%s]+)') do
    local slot = { tonumber(number), tonumber(spent), tonumber(reserved) }
    if slot[1] and slot[2] and slot[3] and slot[1] >= oldest then table.insert(account.slots, slot) end
  end
  return account
end
local function writeAccount(account)
  local parts = { whole(account.warned) .. ' ' .. whole(account.touched) .. ' ' .. account.kind .. ' ' .. whole(account.a) .. ' ' .. whole(account.b) }
  for _, slot in ipairs(account.slots) do
    table.insert(parts, whole(slot[1]) .. ' ' .. whole(slot[2]) .. ' ' .. whole(slot[3]))
  end
  return table.concat(parts, ';')
end
local function slotNumbered(account, number)
  for _, slot in ipairs(account.slots) do if slot[1] == number then return slot end end
  local slot = { number, 0, 0 }
  table.insert(account.slots, slot)
  return slot
end
local function escapedName(name)
  return (string.gsub(name, '[%%\\n]', { ['%'] = '%25', ['\\n'] = '%0A' }))
end
local function nameFrom(escaped)
  return (string.gsub(escaped, '%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end))
end
local function timeNow()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
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
local charges, fields = {}, {}
for i = 1, tonumber(ARGV[3]) do
  local at = 4 + (i - 1) * 8
  local charge = { account = ARGV[at], amount = tonumber(ARGV[at + 1]), limit = tonumber(ARGV[at + 2]),
    warn = tonumber(ARGV[at + 3]), kind = ARGV[at + 4], a = tonumber(ARGV[at + 5]), b = tonumber(ARGV[at + 6]), type = ARGV[at + 7] }
  if charge.kind == 'f' and (now < charge.a or now >= charge.b) then return { 2, whole(now) } end
  charges[i] = charge
  fields[i] = charge.account
end
local count = #charges
if not isEntered(KEYS[3], ARGV[1]) then
  local refused = enter(KEYS[3], ARGV[1], ARGV[2])
  if refused then return refused end
end
fields[count + 1] = '${KEPT}'
local own = redis.call('HMGET', KEYS[1], unpack(fields))
local mine, sums, warned = {}, {}, {}
local function add(i, account)
  if not account then return end
  local sum = sums[i]
  for _, slot in ipairs(account.slots) do
    sum[1] = sum[1] + math.max(0, slot[2])
    sum[2] = sum[2] + math.max(0, slot[3])
    if slot[1] == account.warned then warned[i] = true end
  end
end
local byAccount = {}
for i = 1, count do
  sums[i] = { 0, 0 }
  local name = charges[i].account
  byAccount[name] = byAccount[name] or readAccount(own[i], now) or
    { warned = -1, touched = now, kind = charges[i].kind, a = charges[i].a, b = charges[i].b, slots = {} }
  mine[i] = byAccount[name]
  add(i, mine[i])
end
fields[count + 1] = nil
if count > 0 then
  for _, name in ipairs(namesIn(KEYS[3])) do
    if name ~= ARGV[1] and isEscaped(name) then
      local others = redis.pcall('HMGET', ARGV[2] .. name .. ':${OWN_KEYS.ledger}', unpack(fields))
      if not others.err then
        for i = 1, count do if others[i] then add(i, readAccount(others[i], now)) end end
      end
    end
  end
end
local function answer(code, over, warns)
  local result = { code, whole(now) }
  for i = 1, count do
    table.insert(result, whole(sums[i][1]))
    table.insert(result, whole(sums[i][2]))
    table.insert(result, over[i] and 1 or 0)
    table.insert(result, warns[i] and 1 or 0)
  end
  return result
end
local made = redis.call('GET', KEYS[2])
if made then
  local warns, i = {}, 0
  for warning in string.gmatch(made, '\\n%S+ %S+ %S+ (%d) ') do
    i = i + 1
    warns[i] = warning == '1'
  end
  return answer(1, {}, warns)
end
local over, isOver, added = {}, false, {}
for i, charge in ipairs(charges) do
  local sum = sums[i][1] + sums[i][2] + (added[charge.account] or 0) + charge.amount
  added[charge.account] = (added[charge.account] or 0) + charge.amount
  over[i] = not (sum <= charge.limit and sum <= ${MOST_AMOUNT})
  isOver = isOver or over[i]
end
if isOver then return answer(0, over, {}) end
local lines, warns, values, lasts, isKept = {}, {}, {}, 0, own[count + 1]
for i, charge in ipairs(charges) do
  local account = mine[i]
  local number = slotAt(account.kind, account.a, now)
  local slot = slotNumbered(account, number)
  slot[3] = slot[3] + charge.amount
  account.touched = now
end
for i, charge in ipairs(charges) do
  local account = mine[i]
  local number = slotAt(account.kind, account.a, now)
  sums[i][2] = sums[i][2] + added[charge.account]
  if charge.warn >= 0 and not warned[i] and account.warned ~= number and sums[i][1] + sums[i][2] >= charge.warn then
    warns[i] = true
    account.warned = number
  end
  table.insert(lines, whole(number) .. ' ' .. whole(charge.amount) .. ' ' .. charge.type .. ' ' .. (warns[i] and 1 or 0) .. ' ' .. escapedName(charge.account))
  if endOf(account) == math.huge then isKept = isKept or '' else lasts = math.max(lasts, endOf(account) - now) end
end
for i, charge in ipairs(charges) do
  table.insert(values, charge.account)
  table.insert(values, writeAccount(mine[i]))
end
if isKept == '' then
  table.insert(values, '${KEPT}')
  table.insert(values, '1')
  redis.call('PERSIST', KEYS[1])
end
if count > 0 then redis.call('HSET', KEYS[1], unpack(values)) end
redis.call('SET', KEYS[2], 'open\\n' .. table.concat(lines, '\\n'), 'PX', ${OPEN_MS})
if not isKept and count > 0 then
  local left = redis.call('PTTL', KEYS[1])
  if left < lasts then redis.call('PEXPIRE', KEYS[1], lasts) end
end
if redis.call('HLEN', KEYS[1]) > ${MANY} then
  local some = redis.call('HRANDFIELD', KEYS[1], 4, 'WITHVALUES')
  for i = 1, #some, 2 do
    if some[i] ~= '${KEPT}' and not readAccount(some[i + 1], now) then redis.call('HDEL', KEYS[1], some[i]) end
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

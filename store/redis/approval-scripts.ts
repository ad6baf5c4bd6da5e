import { OWN_KEYS } from './keys.ts';
import { ENTERING, NAMES_IN } from './names.ts';

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function stamped(text) return string.sub(text, 1, -2) .. ',"at_ms":' .. string.format('%.0f', now) .. '}' end
`;

/**
 * Keeps a request, unless there is one of this id: a request is never changed. Makes room by removing those that are
 * over, where this user may; one that is confined to a name may not, and an operating process does.
 * KEYS: requests, their times, names, claims.
 * ARGV: id, request, for how long it is open in milliseconds, how many may be open, for how long one is kept that is
 * over, the escaped name, what executors' keys begin with. Returns the kept request; '' where there is no room.
 */
export const REQUEST_APPROVAL = `${ENTERING}${NOW}
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then return known end
local function remove(id)
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
local most = tonumber(ARGV[4])
local function isFull() return redis.call('ZCARD', KEYS[2]) >= most end
if redis.acl_check_cmd('HDEL', KEYS[1], ARGV[1]) then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', now - ARGV[5], 'BYSCORE', 'LIMIT', 0, 100)) do remove(id) end
  for _, id in ipairs(isFull() and redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE') or {}) do remove(id) end
  for _, id in ipairs(isFull() and redis.call('ZRANGE', KEYS[2], 0, -1) or {}) do
    if redis.call('HGET', KEYS[4], id) then remove(id) end
  end
end
if isFull() then return '' end
if not isEntered(KEYS[3], ARGV[6]) then
  local refused = enter(KEYS[3], ARGV[6], ARGV[7])
  if refused then return refused end
end
redis.call('HSETNX', KEYS[1], ARGV[1], stamped(ARGV[2]))
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
return redis.call('HGET', KEYS[1], ARGV[1])
`;

/**
 * Whether a request still waits, under whatever name. KEYS: claims, names. ARGV: id, what executors' keys begin with.
 * Returns what has claimed or ended it, or ''; and when it expires in milliseconds, or '' where there is none.
 */
export const FIND_APPROVAL = `${NAMES_IN}
local claim = redis.call('HGET', KEYS[1], ARGV[1])
if claim then return { claim, '' } end
for _, name in ipairs((namesIn(KEYS[2]))) do
  if isEscaped(name) then
    local expires = redis.pcall('ZSCORE', ARGV[2] .. name .. ':${OWN_KEYS.approvalTimes}', ARGV[1])
    if type(expires) == 'string' then return { '', expires } end
  end
end
return { '', '' }
`;

/**
 * Ends a request that nobody has claimed. KEYS: claims. ARGV: id, what it ends as. Returns what has claimed or ended
 * it.
 */
export const END_APPROVAL = `${NOW}
redis.call('HSETNX', KEYS[1], ARGV[1], stamped(ARGV[2]))
return redis.call('HGET', KEYS[1], ARGV[1])
`;

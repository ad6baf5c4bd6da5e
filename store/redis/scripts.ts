import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { PRECEDENCE_MS } from '../answers.ts';
import { isReply } from './errors.ts';

/**
 * A Lua script and its SHA-1, by which Redis caches it; for a script of the library, also the function that does the
 * same.
 */
export interface Script {
  readonly lua: string;
  readonly sha: string;
  readonly inLibrary?: { readonly name: string; readonly command: 'FCALL' | 'FCALL_RO' };
}

export const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');
export const script = (lua: string): Script => ({ lua, sha: sha1(lua) });

/**
 * Compares the head, applies the patch, appends and publishes; it knows nothing else. All that can be refused is
 * refused before the first write: Redis does not take back what a script wrote before it failed.
 * KEYS: head, state, log, changes, precedence.
 * ARGV: expected head or '', new head, channel, 1 when reports of forks must be judged anew, 1 when all events go
 * first, the writer, for how many milliseconds it needs precedence, how many events, log id and text of each, how many
 * entries are set, key and value of each, then the keys to remove.
 * Gives 1 when it has appended; 0 when the head was another (a batch that goes first then claims precedence); 2
 * when another writer has precedence. A precedence without an expiry is ignored.
 */
const APPEND_BODY = `
local head = redis.call('GET', KEYS[1]) or ''
local first = ARGV[5] == '1'
local left = redis.call('PTTL', KEYS[5])
local held = left > 0 and left <= ${PRECEDENCE_MS.most}
local mine = held and redis.pcall('GET', KEYS[5]) == ARGV[6]
if held and not (first and mine) then return 2 end
if head ~= ARGV[1] then
  if first then redis.pcall('SET', KEYS[5], ARGV[6], 'PX', ARGV[7]) end
  return 0
end
local fields = redis.call('HLEN', KEYS[2])
local events = redis.call('XLEN', KEYS[3])
if head == '' and fields + events > 0 then
  return redis.error_reply('CORRUPT the head is gone, but ' .. KEYS[2] .. ' and ' .. KEYS[3] .. ' are not both empty: restore a backup, or move them away with RENAME')
end
local needed = { { 'HSET', KEYS[2], 'x', 'x' }, { 'HDEL', KEYS[2], 'x' }, { 'XADD', KEYS[3], ARGV[9], 'event', ARGV[10] },
  { 'SET', KEYS[1], ARGV[2] }, { 'PUBLISH', ARGV[3], ARGV[10] }, { 'INCR', KEYS[4] } }
for _, command in ipairs(needed) do
  if not redis.acl_check_cmd(unpack(command)) then
    return redis.error_reply('NOPERM this user may not ' .. command[1] .. ' ' .. command[2])
  end
end
local last = 8 + 2 * tonumber(ARGV[8])
local added = redis.pcall('XADD', KEYS[3], ARGV[9], 'event', ARGV[10])
if type(added) == 'table' and added.err then
  return redis.error_reply('CORRUPT ' .. KEYS[3] .. ' has entries beyond the head: ' .. added.err)
end
for i = 11, last, 2 do redis.call('XADD', KEYS[3], ARGV[i], 'event', ARGV[i + 1]) end
local sets = last + 1 + 2 * tonumber(ARGV[last + 1])
for i = last + 2, sets, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = sets + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
redis.call('SET', KEYS[1], ARGV[2])
for i = 9, last, 2 do redis.call('PUBLISH', ARGV[3], ARGV[i + 1]) end
if ARGV[4] == '1' then redis.pcall('INCR', KEYS[4]) end
if mine then redis.pcall('SET', KEYS[5], ARGV[6], 'PX', 1) end
return 1
`;

export const APPEND = script(`#!lua${APPEND_BODY}`);
/** The same, but also permitted when memory is full: for changes that take authority away. */
export const APPEND_WHEN_FULL = script(`#!lua flags=allow-oom${APPEND_BODY}`);

/** Writes the head again as it is, so that a WAIT after it waits for all earlier writes. KEYS: head. */
export const SETTLE = script(`#!lua
local head = redis.call('GET', KEYS[1])
if head then redis.call('SET', KEYS[1], head) end
return 1
`);

export interface ScriptCall {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** How many replicas must have the write too (default 0), and how many milliseconds that may take. */
  readonly replicas?: number;
  readonly waitMs?: number;
}

/**
 * How long WAIT may wait so that its answer still comes in time: Redis checks only every 100 ms. Never 0, which means
 * for ever.
 */
export const waitMs = (leftMs: number): number => Math.max(1, Math.floor(Math.max(leftMs * 0.4, leftMs - 150)));

/**
 * The connections on which no function of the library is called, because Redis does not have our functions, or this
 * user may not call them.
 */
const withoutLibrary = new WeakMap<object, NotCalled>();

/**
 * `missing`: our functions are not there, and only an operator can put them there; `unknown`: this user may not call
 * them, or may not see whether they are ours.
 */
type NotCalled = 'missing' | 'unknown';

/** From now on no function of the library is called on this connection. */
export const doNotCall = ({ stream }: Redis, why: NotCalled): void => void withoutLibrary.set(stream, why);

/**
 * Why a function could not be called, where that is the error: Redis does not have it, or knows no functions; or this
 * user may call none. Nothing was done then.
 */
function notCallable(error: unknown): NotCalled | null {
  if (!isReply(error)) return null;
  if (/^ERR Function not found|unknown command/i.test(error.message)) return 'missing';
  return /^NOPERM .* run the 'fcall(_ro)?' command/i.test(error.message) ? 'unknown' : null;
}

/** What a script answered, and how many replicas had its write in time. */
export interface Sent {
  readonly reply: unknown;
  readonly copies: number;
}

/**
 * Sends the text of a script, and in the same turn a WAIT, since on a later connection that would wait for nothing.
 * `waitMs`: for how long. Not known counts as no copy.
 */
export const sendScript = (client: Redis, { script, ...call }: ScriptCall): Promise<Sent> =>
  sending(client, call, ['EVAL', script.lua]);

async function sending(
  client: Redis,
  { keys, args, replicas = 0, waitMs = 0 }: Omit<ScriptCall, 'script'>,
  [command, body]: readonly [string, string],
): Promise<Sent> {
  const [reply, copies] = await Promise.allSettled([
    client.call(command, body, keys.length, ...keys, ...args),
    replicas > 0 ? client.call('WAIT', replicas, waitMs) : 0,
  ]);
  if (reply.status === 'rejected') throw reply.reason;
  return { reply: reply.value, copies: copies.status === 'fulfilled' ? Number(copies.value) : 0 };
}

/**
 * Runs a script: as a function of the library, else by its SHA-1, else by its text; a way that fails has done nothing.
 * ioredis' `defineCommand` is not used: it could send the text after the WAIT.
 */
export async function runScript(client: Redis, call: ScriptCall): Promise<{ reply: unknown; replicated: boolean }> {
  const { script, replicas = 0 } = call;
  const { stream } = client;
  const send = async (command: string, body: string): Promise<{ reply: unknown; replicated: boolean }> => {
    const { reply, copies } = await sending(client, call, [command, body]);
    return { reply, replicated: copies >= replicas };
  };
  const byItself = async (): Promise<{ reply: unknown; replicated: boolean }> => {
    if (replicas > 0) return send('EVAL', script.lua); // after an unknown SHA-1 the WAIT would use up the time
    try {
      return await send('EVALSHA', script.sha);
    } catch (error) {
      if (!isReply(error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await send('EVAL', script.lua);
    }
  };
  const { inLibrary } = script;
  if (!inLibrary) return byItself();
  let why = withoutLibrary.get(stream) ?? null;
  try {
    if (why === null) return await send(inLibrary.command, inLibrary.name);
  } catch (error) {
    why = notCallable(error);
    if (why === null) throw error;
  }
  try {
    const done = await byItself();
    withoutLibrary.set(stream, why);
    return done;
  } catch (error) {
    throw why === 'missing' && isReply(error) && error.message.startsWith('NOPERM') ? noLibrary(error) : error;
  }
}

/**
 * The error of a user who may run no script, where our functions are not there. Only an operator can put them there.
 */
const noLibrary = (cause: Error): Error =>
  Object.assign(new Error('NOLIBRARY the functions of this version of the switch are not there', { cause }), {
    name: 'ReplyError',
  });

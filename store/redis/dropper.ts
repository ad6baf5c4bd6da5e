import type { Redis } from 'ioredis';
import { z } from 'zod';
import {
  type EntryKey,
  entryKey,
  headSchema,
  isKillSwitchError,
  KillSwitchError,
  type LogEvent,
  parseEntryOf,
  State,
  stateFrom,
} from '../../flags/index.ts';
import { archivedAway, archivedMeanwhile } from '../archived-away.ts';
import type { ArchivedBeginning, LogDropper, StateAt } from '../capabilities/archive.ts';
import { type ControlConnection, LOAD_MS } from '../ports.ts';
import { permissionHint } from './acl-names.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { corrupt, requireReplicated } from './errors.ts';
import { entriesBetween, type RedisReader } from './reader.ts';
import { logId, reply } from './replies.ts';
import { runScript, script, waitMs } from './scripts.ts';

// A log of which the first part was archived begins with the event up to which it was, and the state after that event
// has a key of its own, which that event names: what is kept is found by the first entry of the log. Until the log
// begins there, the key ends by itself, so that an archiving which is not ended leaves nothing.

/** Every so many events there is a point up to which the log may be dropped. */
const STEP = 1000;
/** For how many milliseconds a state is kept with which no log begins. */
const UNUSED_MS = 86_400_000;
/** How often it is looked again before something is dropped, where executors report something each time. */
const MOST_LOOKS = 20;
/** How many entries of a state are written at a time. */
const AT_ONCE = 500;

/** The field of a kept state that says of which event it is, and how many entries there are beside it. */
const HEAD = 'head';
const keptSchema = headSchema.extend({ entries: z.int().min(1) });

/**
 * Begins a state that is kept, or puts off its end. What is there already has the same entries, unless another version
 * has begun it. KEYS: archived. ARGV: the text of `head`, for how many milliseconds it is kept. Gives 0 where the log
 * begins with another state of that event.
 */
const KEEP = script(`#!lua flags=allow-oom
if redis.call('HGET', KEYS[1], '${HEAD}') ~= ARGV[1] then
  if redis.call('PTTL', KEYS[1]) == -1 then return 0 end
  redis.call('UNLINK', KEYS[1])
  redis.call('HSET', KEYS[1], '${HEAD}', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
end
return 1
`);

/** Sets entries of it. KEYS: archived. ARGV: key and value of each. What is dropped then frees more than they take. */
const FILL = script(`#!lua flags=allow-oom
return redis.call('HSET', KEYS[1], unpack(ARGV))
`);

/**
 * Drops what comes before an event. KEYS: log, archived, the same of where the log began before, changes. ARGV: the log
 * id of the event, how many fields its state has, the log id of the first entry, and the number of changes. Gives 0
 * where the log begins elsewhere by now, lacks the event, or the state is not whole; 2 where executors have reported
 * something since. All that can be refused is refused before the first write.
 */
const DROP = script(`#!lua flags=allow-oom
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first or first[1] ~= ARGV[3] then return 0 end
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
if redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return 0 end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[4] then return 2 end
local needed = { { 'PERSIST', KEYS[2] }, { 'XTRIM', KEYS[1], 'MINID', '=', ARGV[1] }, { 'UNLINK', KEYS[3] } }
for _, command in ipairs(needed) do
  if not redis.acl_check_cmd(unpack(command)) then
    return redis.error_reply('NOPERM this user may not ' .. command[1] .. ' ' .. command[2])
  end
end
redis.call('PERSIST', KEYS[2])
redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
if KEYS[3] ~= KEYS[2] then redis.call('UNLINK', KEYS[3]) end
return 1
`);

type Parts = Pick<RedisReader, 'connection' | 'keys' | 'replies'>;

/** The first event of the log; null where there is none. */
async function firstEvent(parts: Parts): Promise<LogEvent | null> {
  const [entry] = await entriesBetween(parts, { from: '-', to: '+', most: 1 });
  return entry ? parts.replies.event(entry) : null;
}

/**
 * Where a log begins that was archived; null where neither a kept state nor the present one says so. A log that is
 * damaged there is told of by reading it.
 */
async function beginningOf(endpoint: RedisEndpoint, parts: Parts): Promise<ArchivedBeginning | null> {
  const { connection, keys, replies } = parts;
  const first = await firstEvent(parts).catch((error: unknown) => {
    if (isKillSwitchError(error) && error.code === 'CORRUPT') return null;
    throw error;
  });
  if (!first || first.seq === 1) return null;
  const { archived } = keys.kept({ epoch: first.seq, hash: first.hash });
  const what = `a state of epoch ${first.seq} that cannot be read`;
  const kept = await connection.request({ access: 'read', send: (client) => client.hget(archived, HEAD) });
  const read = keptSchema.safeParse(jsonOf(kept));
  if (!read.success) return withoutState(endpoint, parts, first);
  const { entries, ...head } = read.data;
  return {
    head,
    async state() {
      const answer = await connection.request({
        access: 'read',
        largeMs: LOAD_MS,
        send: (client) => client.call('HGETALL', archived),
      });
      const flat = replies.parse(reply.flat, answer, what);
      if (flat.length !== 2 * (entries + 1))
        throw corrupt(endpoint, `holds a state of epoch ${head.epoch} with which the log begins, and it was changed.`);
      return { head, entries: stateFrom(withoutHead(replies.entries(flat)), head) };
    },
  };
}

function jsonOf(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** The same where no state is kept that can be read. */
async function withoutState(
  endpoint: RedisEndpoint,
  { connection, keys, replies }: Parts,
  { seq, hash }: LogEvent,
): Promise<ArchivedBeginning | null> {
  const key = entryKey('archive');
  const text = await connection.request({ access: 'read', send: (client) => client.hget(keys.state, key) });
  if (text === null) return null;
  const { head } = parseEntryOf('archive', replies.json(text, `an unreadable entry ${JSON.stringify(key)}`));
  if (head.epoch !== seq || head.hash !== hash) return null;
  return {
    head,
    state: () =>
      Promise.reject(
        corrupt(
          endpoint,
          `no longer holds the state of epoch ${seq} with which its log begins. Executors and operators go on without it, and nobody can verify the log; the archive can be: kill-switch log verify FILE`,
        ),
      ),
  };
}

function* withoutHead(entries: Iterable<readonly [EntryKey, unknown]>): Generator<readonly [EntryKey, unknown]> {
  for (const each of entries) if (String(each[0]) !== HEAD) yield each;
}

/**
 * Throws where events between `after` and `next` were archived, which come one after the other in the log as it is
 * read. `since`: after which event reading began, 0 for wherever the log begins.
 * @throws KillSwitchError ARCHIVED
 */
export async function requireNext(
  endpoint: RedisEndpoint,
  parts: Parts,
  { after, next, since }: { readonly after: number; readonly next: number; readonly since: number },
): Promise<void> {
  if (next === after + 1 || after === 0) return;
  const begins = (await beginningOf(endpoint, parts))?.head.epoch ?? 0;
  if (after + 1 < begins) throw after === since ? archivedAway(after + 1, begins) : archivedMeanwhile();
}

/** Drops the first part of a log, with the user of an archiver. */
export function redisDropper(
  endpoint: RedisEndpoint,
  parts: Parts & { readonly organizationId: string },
  log: ControlConnection['log'],
): LogDropper {
  const { connection, keys, replies, organizationId } = parts;
  const { keyPrefix, db } = endpoint;
  const hint = permissionHint(endpoint, { organizationId, keyPrefix, db, role: 'archiver', executor: null });

  /** Asks for something that only an archiver may. */
  const asArchiver = async <T>(send: (client: Redis, leftMs: number) => Promise<T>): Promise<T> => {
    try {
      return await connection.request({ access: 'write', send });
    } catch (error) {
      if (!isKillSwitchError(error) || error.code !== 'NOT_PERMITTED' || !error.message.includes('(NOPERM:'))
        throw error;
      throw new KillSwitchError('NOT_PERMITTED', `The user of this URL may not archive the log. ${hint}`, {
        cause: error,
      });
    }
  };

  /** About how many bytes the log takes. */
  const bytes = async (): Promise<number> =>
    Number(await asArchiver((client) => client.call('MEMORY', 'USAGE', keys.log)));

  let folded: StateAt | null = null;
  const stateAt = async (epoch: number): Promise<StateAt> => {
    if (folded?.head.epoch === epoch) return folded;
    const base = await (await beginningOf(endpoint, parts))?.state();
    const state = base ? stateFrom(base.entries, base.head) : new State();
    for await (const event of log(state.epoch)) {
      if (event.seq > epoch) break;
      state.take(event);
    }
    if (state.epoch !== epoch) throw gone(epoch);
    if (!state.head)
      throw corrupt(endpoint, 'holds a log of which the beginning was removed. Look: kill-switch log verify');
    folded = { head: state.head, entries: state };
    return folded;
  };

  return {
    pointsAre: `an event whose number is a multiple of ${STEP}`,
    beginning: () => beginningOf(endpoint, parts),

    async check() {
      await asArchiver((client) => client.call('XTRIM', keys.log, 'MINID', '=', '0-0'));
    },

    async *points() {
      const begins = (await firstEvent(parts))?.seq ?? 0;
      const head = replies.head(await connection.request({ access: 'read', send: (client) => client.get(keys.head) }));
      const last = Math.floor(((head?.epoch ?? 0) - 1) / STEP) * STEP;
      for (let most = last; most > begins; ) {
        const answer = await asArchiver((client) => client.call('XREVRANGE', keys.log, logId(most), '-', 'COUNT', 1));
        const [entry] = replies.parse(reply.entries, answer, 'a log that cannot be read');
        const event = entry && replies.event(entry); // a recovery leaves numbers out
        if (!event || event.seq <= begins) return;
        yield { epoch: event.seq, at: event.at, state: () => stateAt(event.seq) };
        most = Math.floor((event.seq - 1) / STEP) * STEP;
      }
    },

    async keep(head) {
      const state = await stateAt(head.epoch);
      if (state.head.hash !== head.hash) throw gone(head.epoch);
      const { archived } = keys.kept(head);
      const entries = [...state.entries].map(([key, entry]) => [key, JSON.stringify(entry)] as const);
      const { epoch, generation, hash, recovered } = state.head;
      const text = JSON.stringify({ epoch, generation, hash, recovered, entries: entries.length });
      const call = { script: KEEP, keys: [archived], args: [text, UNUSED_MS] };
      if ((await asArchiver((client) => runScript(client, call))).reply !== 1) throw gone(epoch);
      for (let from = 0; from < entries.length; from += AT_ONCE)
        await asArchiver((client) =>
          runScript(client, { script: FILL, keys: [archived], args: entries.slice(from, from + AT_ONCE).flat() }),
        );
    },

    async drop(head, looks) {
      const first = await firstEvent(parts);
      if (!first) throw gone(head.epoch);
      const { archived } = keys.kept(head);
      const entries = [...(await stateAt(head.epoch)).entries].length;
      const call = {
        script: DROP,
        keys: [keys.log, archived, keys.kept({ epoch: first.seq, hash: first.hash }).archived, keys.changes],
        args: [logId(head.epoch), entries + 1, logId(first.seq)],
        replicas: endpoint.replicas,
      };
      const had = await bytes();
      for (let tries = 0; tries < MOST_LOOKS; tries += 1) {
        const changes =
          (await connection.request({ access: 'read', send: (client) => client.get(keys.changes) })) ?? '';
        await looks();
        const args = [...call.args, changes];
        const dropped = await asArchiver((client, leftMs) =>
          runScript(client, { ...call, args, waitMs: waitMs(leftMs) }),
        );
        if (dropped.reply === 2) continue;
        if (dropped.reply !== 1) throw gone(head.epoch);
        requireReplicated(dropped, endpoint, 'It was dropped there, and may yet come back.');
        return Math.max(0, had - (await bytes().catch(() => had)));
      }
      throw new KillSwitchError(
        'STORE_UNREACHABLE',
        `Executors have reported something before each of ${MOST_LOOKS} tries. Nothing was dropped.`,
      );
    },
  };
}

const gone = (epoch: number): KillSwitchError =>
  new KillSwitchError(
    'NOT_FOUND',
    `Event ${epoch}, with which the log would begin, is not where it was, or its state is not kept any more. Archive again.`,
  );

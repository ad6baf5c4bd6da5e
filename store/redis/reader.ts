import type { ChainableCommander } from 'ioredis';
import { entryKey, type Head, parseEntryOf } from '../../flags/index.ts';
import { archivedAway, nobodyCanTell } from '../archived-away.ts';
import { sameHead } from '../answers.ts';
import { type ControlReader, LOAD_MS } from '../ports.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { permissionHint } from './acl-names.ts';
import { type RedisKeys, redisKeys } from './keys.ts';
import { LazyConnection } from './lazy-connection.ts';
import { logId, Replies, reply } from './replies.ts';
import { subscribeLazily } from './subscriber.ts';

/** What executors and operators have in common: the connection, and reading the switch over it. */
export interface RedisReader {
  readonly connection: LazyConnection;
  readonly keys: RedisKeys;
  readonly replies: Replies;
  readonly reader: ControlReader;
}

const ARCHIVE = entryKey('archive');

/** Which switch is read, and by whom. */
export interface ReaderScope {
  readonly organizationId: string;
  readonly requestTimeoutMs: number;
  /** The name of the executor that reads; null: an operator does. */
  readonly executor: string | null;
}

export function redisReader(
  at: RedisEndpoint,
  { organizationId, requestTimeoutMs, executor }: ReaderScope,
): RedisReader {
  const { keyPrefix, db } = at;
  const role = executor === null ? 'operator' : 'executor';
  const permission = permissionHint(at, { organizationId, keyPrefix, db, role, executor });
  const endpoint = { ...at, permission };
  const keys = redisKeys(organizationId, endpoint);
  const connection = new LazyConnection(endpoint, requestTimeoutMs);
  const replies = new Replies(endpoint);
  const subscriptions = new Set<() => Promise<void>>();

  /** Whether the head `held` is in the log that ends in `head`. */
  const isInChain = (held: Head, head: Head, entries: unknown): boolean => {
    const [entry] = replies.parse(reply.entries, entries, 'a log that cannot be read');
    return held.epoch < head.epoch && entry !== undefined && replies.event(entry).hash === held.hash;
  };

  /** False for a head that is not in the log. @throws KillSwitchError ARCHIVED where nobody can tell */
  const isArchived = (held: Head, head: Head, state: readonly string[]): false => {
    const at = state.findIndex((key, index) => index % 2 === 0 && key === ARCHIVE);
    const archive = at < 0 ? null : parseEntryOf('archive', replies.json(state[at + 1] ?? '', 'an unreadable entry'));
    const begins = archive?.head.epoch ?? 0;
    return held.epoch < begins ? nobodyCanTell(archivedAway(held.epoch, begins), held, head) : false;
  };

  const reader: ControlReader = {
    async load(held, nonce) {
      const at = held ? logId(held.epoch) : '-';
      const [headReply, timeReply, state, entries] = await connection.request({
        access: 'read',
        largeMs: LOAD_MS, // as long as it keeps coming
        send: (client) =>
          atOneMoment(keys, () =>
            client
              .pipeline()
              .get(keys.head)
              .time()
              .call('HGETALL', keys.state)
              .call('XRANGE', keys.log, at, held ? at : '-', 'COUNT', 1),
          ),
      });
      const head = replies.head(replies.parse(reply.textOrNil, headReply, 'a head that cannot be read'));
      const answer = { nonce, time: replies.time(timeReply), ageMs: 0 };
      if (head === null) return { ...answer, head, entries: [], linked: held === null };
      const flat = replies.parse(reply.flat, state, 'a state that cannot be read');
      const linked =
        held === null || sameHead(held, head) || isInChain(held, head, entries) || isArchived(held, head, flat);
      return { ...answer, head, entries: replies.entries(flat), linked };
    },
    follow(listener) {
      const end = subscribeLazily({
        ...{ endpoint, channel: keys.channel, stopsChannel: keys.stopsChannel },
        ...{ requestTimeoutMs, listener },
      });
      subscriptions.add(end);
      return () => void end().then(() => subscriptions.delete(end));
    },
    async close() {
      await Promise.all([connection.close(), ...[...subscriptions].map((end) => end())]);
    },
  };
  return { connection, keys, replies, reader };
}

/**
 * The answers to reads of one moment: the head was the same before and after. The first of `reads` must get the head. A
 * MULTI would be refused when memory is full, and no kill could be planned then; a script would block Redis while it
 * copies a large state.
 */
export async function atOneMoment(keys: RedisKeys, reads: () => ChainableCommander): Promise<unknown[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answers = await allOf(reads().get(keys.head));
    if (answers[0] === answers.pop()) return answers;
  }
  throw new Error('the switch changed during each of 20 attempts to read it');
}

/** The answers of a pipeline; throws the first error among them. */
export async function allOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, result]) => {
    if (error) throw error;
    return result;
  });
}

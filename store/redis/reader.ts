import type { ChainableCommander } from 'ioredis';
import { entryKey, type Head, parseEntryOf } from '../../flags/index.ts';
import { archivedAway, archivedHead, isRecoveredSince } from '../archived-away.ts';
import { sameHead } from '../answers.ts';
import { type ControlReader, LOAD_MS } from '../ports.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { permissionHint } from './acl-names.ts';
import { type RedisKeys, redisKeys } from './keys.ts';
import { LazyConnection } from './lazy-connection.ts';
import { logId, Replies, reply, type StreamEntry } from './replies.ts';
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

  /**
   * Whether the head `held` is in the log that ends in `head`. `entries`: the one with its number, and the log's first.
   * @throws KillSwitchError ARCHIVED where nobody can tell
   */
  const isInChain = (
    held: Head,
    head: Head,
    { entries, state }: { entries: readonly unknown[]; state: readonly string[] },
  ) => {
    const [own, first] = entries.map((each) => replies.parse(reply.entries, each, 'a log that cannot be read')[0]);
    if (own) return held.epoch < head.epoch && replies.event(own).hash === held.hash;
    // With what the log begins counts too: a state may say anything.
    const begins = Math.min(archivedUpTo(state), first ? replies.event(first).seq : 0);
    if (held.epoch < begins && !isRecoveredSince(held, head)) throw archivedHead(archivedAway(held.epoch, begins));
    return false;
  };

  /** Up to which event the log of this state is archived, by what the state says; 0: it is not. */
  const archivedUpTo = (state: readonly string[]): number => {
    const index = state.findIndex((key, i) => i % 2 === 0 && key === ARCHIVE);
    if (index < 0) return 0;
    const entry = replies.json(state[index + 1] ?? '', `an unreadable entry ${JSON.stringify(ARCHIVE)}`);
    return parseEntryOf('archive', entry).head.epoch;
  };

  const reader: ControlReader = {
    async load(held, nonce) {
      const at = held ? logId(held.epoch) : '-';
      const [headReply, timeReply, state, ...entries] = await connection.request({
        access: 'read',
        largeMs: LOAD_MS, // as long as it keeps coming
        send: (client) =>
          atOneMoment(keys, () =>
            client
              .pipeline()
              .get(keys.head)
              .time()
              .call('HGETALL', keys.state)
              .call('XRANGE', keys.log, at, held ? at : '-', 'COUNT', 1)
              .call('XRANGE', keys.log, '-', '+', 'COUNT', 1),
          ),
      });
      const head = replies.head(replies.parse(reply.textOrNil, headReply, 'a head that cannot be read'));
      const answer = { nonce, time: replies.time(timeReply), ageMs: 0 };
      if (head === null) return { ...answer, head, entries: [], linked: held === null };
      const flat = replies.parse(reply.flat, state, 'a state that cannot be read');
      const linked = held === null || sameHead(held, head) || isInChain(held, head, { entries, state: flat });
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

/** Entries of the log by their ids, both included, and the oldest of them. */
export async function entriesBetween(
  { connection, keys, replies }: Pick<RedisReader, 'connection' | 'keys' | 'replies'>,
  { from, to, most }: { readonly from: string; readonly to: string; readonly most: number },
): Promise<readonly StreamEntry[]> {
  const answer = await connection.request({
    access: 'read',
    send: (client) => client.call('XRANGE', keys.log, from, to, 'COUNT', most),
  });
  return replies.parse(reply.entries, answer, 'a log that cannot be read');
}

/** The answers of a pipeline; throws the first error among them. */
export async function allOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, result]) => {
    if (error) throw error;
    return result;
  });
}

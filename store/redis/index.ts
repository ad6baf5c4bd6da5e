import { type Beat, type Head, invalid } from '../../flags/index.ts';
import { CATCH_UP_EVENTS, sameHead } from '../answers.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { Confirmation, ExecutorConnection, ExecutorScope, ExecutorStore } from '../ports.ts';
import { type RedisEndpoint, type RedisEndpointOptions, redisEndpoint } from './endpoint.ts';
import { corrupt, requireReplicated, stateIsGone } from './errors.ts';
import { escapeId } from './keys.ts';
import { allOf, redisReader } from './reader.ts';
import { headText, logId, reply, type StreamEntry } from './replies.ts';
import { isForkProven } from './judge-forks.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript, waitMs } from './scripts.ts';
import { redisShelf } from './shelf.ts';

export interface RedisStoreOptions extends RedisEndpointOptions {
  /** A file in which the last head is kept over restarts; without one a restarted executor cannot recognise a restored backup. */
  readonly anchor?: string | undefined;
}

/**
 * A switch in Redis 7 or newer (standalone, behind Sentinel, or a Cluster), as an executor holds it. It connects with the first request,
 * and then for ever in the background; each request is answered or fails within its time.
 * Redis must keep what it has acknowledged: `appendonly yes` with `appendfsync always`, and `maxmemory-policy noeviction`.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function redisStore(options: RedisStoreOptions): ExecutorStore {
  const endpoint = redisEndpoint(options);
  const anchor = options.anchor === undefined ? null : fileAnchor(options.anchor);
  return {
    location: endpoint.location,
    open: (scope) => openExecutor(endpoint, scope, anchor),
  };
}

/** What is wrong where the answer is none. A library of another name can have taken the names of our functions: only whoever may delete it can mend that. */
const NO_CONFIRMATION =
  'something that is not the switch, or functions that are not those of this version. Any command of an operator puts these there; where that does not help, FUNCTION LIST says which library has their names: FUNCTION DELETE it';

function openExecutor(
  endpoint: RedisEndpoint,
  scope: ExecutorScope,
  anchor: ExecutorConnection['anchor'],
): ExecutorConnection {
  const { organizationId, executorId, executorName, requestTimeoutMs } = scope;
  const parts = redisReader(endpoint, { organizationId, requestTimeoutMs, executor: executorName });
  const { connection, keys, replies, reader } = parts;
  const own = keys.executor(executorName);
  /** What the reports of forks came to, so that they are judged again only when one is new: in another generation, or behind another connection (which may lead to another Redis). */
  let judged: {
    readonly changes: string;
    readonly generation: string;
    readonly stream: unknown;
    readonly proven: boolean;
  } | null = null;

  /** The way from the held head, whose own event comes first in `entries`, to the store's; null where the held one is not in the chain. */
  const way = (held: Head, head: Head, entries: readonly StreamEntry[]): Confirmation['events'] => {
    if (sameHead(held, head)) return [];
    const [first, ...missing] = entries;
    if (held.epoch >= head.epoch || first?.[0] !== logId(held.epoch) || replies.event(first).hash !== held.hash)
      return null;
    if (missing.length > CATCH_UP_EVENTS) return 'reload';
    const events = missing.map((entry) => replies.event(entry));
    if (events.at(-1)?.hash !== head.hash)
      throw corrupt(endpoint, `holds a log that does not lead to its head ${head.epoch}.`);
    return events;
  };

  return {
    ...reader,
    shelf: redisShelf(parts, executorName),
    anchor,
    async confirm(beat: Beat) {
      if (beat.id !== executorId) throw invalid(`An executor reports under its own id ${executorId}, not ${beat.id}.`);
      const held = beat.applied;
      let stream: unknown;
      let passed = '';
      const asked = judged;
      const answer = await connection.request({
        access: 'write',
        send: async (client, leftMs) => {
          stream = client.stream;
          passed = asked && asked.stream === stream && asked.generation === held?.generation ? asked.changes : '';
          const result = await runScript(client, {
            script: LIBRARY.scripts.confirm,
            keys: [own.beats, own.forks, keys.names, keys.changes, keys.head, keys.state, keys.log],
            args: [
              executorId,
              JSON.stringify(beat),
              escapeId(executorId),
              beat.fork ? JSON.stringify(beat.fork) : '',
              held ? headText(held) : '',
              held ? logId(held.epoch) : '',
              CATCH_UP_EVENTS,
              own.escaped,
              keys.executorPrefix,
              passed,
            ],
            replicas: endpoint.replicas,
            waitMs: waitMs(leftMs),
          });
          return requireReplicated(result, endpoint, 'The confirmation does not count.');
        },
      });
      const [headReply, tail, hasState, entries, changes, reports, control, more] = replies.parse(
        reply.confirm,
        answer,
        NO_CONFIRMATION,
      );
      const head = replies.head(headReply);
      if (head === null) return { head, events: held ? null : 'reload', forkReported: false };
      if (hasState !== 1) throw stateIsGone(endpoint, keys);
      if (tail !== logId(head.epoch))
        throw corrupt(
          endpoint,
          `holds a head ${head.epoch}, but a log that ends in ${tail ?? 'nothing'}: an operator must look at it and then run: kill-switch recover --reason "…"`,
        );
      // Not handed out again: what they came to is known, unless this is another generation with the same number of changes.
      const known = passed !== '' && passed === changes;
      const forkReported = known
        ? asked?.generation === head.generation && asked.proven
        : more === 1 || isForkProven(reports, head, control); // a flood must not hide a true report
      if (!known) judged = { changes, generation: head.generation, stream, proven: forkReported };
      else if (asked?.generation !== head.generation) judged = null;
      return { head, events: held ? way(held, head, entries) : 'reload', forkReported };
    },
    async leave() {
      await connection.request({
        access: 'write',
        send: async (client) => {
          await allOf(client.pipeline().hdel(own.beats, executorId).hdel(own.surfaces, executorId));
          // Where its name stays that is no failure of leaving: nothing is under it.
          await runScript(client, {
            script: LIBRARY.scripts.leave,
            keys: [keys.names],
            args: [own.escaped, keys.executorPrefix],
          }).catch(() => {});
        },
      });
    },
  };
}

import { type Beat, type Head, invalid } from '../../flags/index.ts';
import { CATCH_UP_EVENTS, sameHead } from '../answers.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { Confirmation, ExecutorConnection, ExecutorScope, ExecutorStore } from '../ports.ts';
import { type RedisEndpoint, type RedisEndpointOptions, redisEndpoint } from './endpoint.ts';
import { corrupt, requireReplicated, stateIsGone } from './errors.ts';
import { allOf, redisReader } from './reader.ts';
import { headText, logId, reply, type StreamEntry } from './replies.ts';
import { CONFIRM, runScript, waitMs } from './scripts.ts';
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

function openExecutor(
  endpoint: RedisEndpoint,
  scope: ExecutorScope,
  anchor: ExecutorConnection['anchor'],
): ExecutorConnection {
  const { organizationId, executorId, requestTimeoutMs } = scope;
  const parts = redisReader(endpoint, organizationId, requestTimeoutMs);
  const { connection, keys, replies, reader } = parts;

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
    shelf: redisShelf(parts),
    anchor,
    async confirm(beat: Beat) {
      if (beat.id !== executorId) throw invalid(`An executor reports under its own id ${executorId}, not ${beat.id}.`);
      const held = beat.applied;
      const answer = await connection.request({
        access: 'write',
        send: async (client, leftMs) => {
          const result = await runScript(client, {
            script: CONFIRM,
            keys: [keys.head, keys.state, keys.log, keys.executors, keys.forks],
            args: [
              executorId,
              JSON.stringify(beat),
              beat.fork ? JSON.stringify(beat.fork) : '',
              held ? headText(held) : '',
              held ? logId(held.epoch) : '',
              CATCH_UP_EVENTS,
            ],
            replicas: endpoint.replicas,
            waitMs: waitMs(leftMs),
          });
          return requireReplicated(result, endpoint, 'The confirmation does not count.');
        },
      });
      const [headReply, reported, tail, hasState, entries] = replies.parse(
        reply.confirm,
        answer,
        'something that is not the switch',
      );
      const head = replies.head(headReply);
      const forkReported = reported === 1;
      if (head === null) return { head, events: held ? null : 'reload', forkReported };
      if (hasState !== 1) throw stateIsGone(endpoint, keys);
      if (tail !== logId(head.epoch))
        throw corrupt(
          endpoint,
          `holds a head ${head.epoch}, but a log that ends in ${tail ?? 'nothing'}: an operator must look at it and then run: kill-switch recover --reason "…"`,
        );
      return { head, events: held ? way(held, head, entries) : 'reload', forkReported };
    },
    async leave() {
      await connection.request({
        access: 'write',
        send: (client) => allOf(client.pipeline().hdel(keys.executors, executorId).hdel(keys.surfaces, executorId)),
      });
    },
  };
}

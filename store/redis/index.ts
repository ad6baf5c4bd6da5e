import { type Beat, invalid, type KillSwitchError } from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { ExecutorConnection, ExecutorScope, ExecutorStore } from '../ports.ts';
import { redisApprovals } from './approvals.ts';
import { Confirmations } from './confirm.ts';
import { ENDPOINT_KEYS, type RedisEndpoint, type RedisEndpointOptions, redisEndpoint } from './endpoint.ts';
import { redisJournal } from './journal.ts';
import { loadIoredis } from './ioredis.ts';
import { redisLedger } from './ledger.ts';
import { allOf, redisReader } from './reader.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript } from './scripts.ts';
import { redisShelf } from './shelf.ts';
import { redisStops } from './stops.ts';

/** Which Redis, and where the executor keeps its anchor. */
export interface RedisStoreOptions extends RedisEndpointOptions {
  /**
   * The file in which the last head is kept over restarts. Without one a restarted executor cannot recognise a restored
   * backup.
   */
  readonly anchor?: string | undefined;
}

/**
 * A switch in Redis 7 or newer (standalone, behind Sentinel, or a Cluster), as an executor holds it. It connects with
 * the first request, and then for ever in the background; each request is answered or fails within its time. Redis must
 * keep what it has acknowledged: `appendonly yes` with `appendfsync always`, and `maxmemory-policy noeviction`.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function redisStore(options: RedisStoreOptions): ExecutorStore {
  const given = checkKeys('redisStore', options, { ...ENDPOINT_KEYS, anchor: true });
  const endpoint = redisEndpoint(given);
  const anchor = given.anchor === undefined ? null : fileAnchor(given.anchor);
  return {
    location: endpoint.location,
    side: 'executor',
    nearby: null,
    async loadPackages() {
      await loadIoredis();
    },
    open: (scope) => openExecutor(endpoint, scope, anchor),
  };
}

function openExecutor(
  endpoint: RedisEndpoint,
  scope: ExecutorScope,
  anchor: ExecutorConnection['anchor'],
): ExecutorConnection {
  const { organizationId, executorId, executorName, requestTimeoutMs } = scope;
  const parts = redisReader(endpoint, { organizationId, requestTimeoutMs, executor: executorName });
  const { connection, keys, reader } = parts;
  const own = keys.executor(executorName);
  const confirmations = new Confirmations(endpoint, parts, executorName);
  return {
    ...reader,
    shelf: redisShelf(parts, executorName),
    ledger: redisLedger(endpoint, parts, executorName),
    stops: redisStops(endpoint, parts, executorName),
    anchor,
    journal: redisJournal(endpoint, parts, scope),
    confirmsOneByOne: false,
    async confirm(beat: Beat, nonce: string) {
      if (beat.id !== executorId) throw foreignBeat(executorId, beat.id);
      return confirmations.confirm(beat, nonce);
    },
    approvals: {
      ...redisApprovals(endpoint, parts, executorName),
      async claim(asked, { beat, nonce }) {
        if (beat.id !== executorId) throw foreignBeat(executorId, beat.id);
        return confirmations.claim(asked, { beat, nonce });
      },
    },
    async leave() {
      await connection.request({
        access: 'write',
        send: async (client) => {
          await allOf(client.pipeline().hdel(own.beats, executorId).hdel(own.surfaces, executorId));
          // It has left even if its name stays: there is nothing under it.
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

const foreignBeat = (own: string, other: string): KillSwitchError =>
  invalid(`An executor reports under its own id ${own}, not ${other}.`);

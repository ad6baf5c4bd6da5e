import { Redis, type RedisOptions } from 'ioredis';
import type { RedisEndpoint, RedisNode } from './endpoint.ts';

/** How long until the next attempt to connect, in milliseconds: for ever, and soon. */
const retryMs = (attempt: number): number => Math.min(50 * attempt, 250) + Math.floor(Math.random() * 50);

/**
 * A client that fails instead of waiting: nothing is queued, retried or sent again by itself. It connects in the background, for ever,
 * when something first asks it to, and gives up a connection that does not get ready in time. ioredis' own ready check is off:
 * it needs INFO, which an executor's ACL user may not have, and waits without a limit.
 */
export function createClient(
  endpoint: RedisEndpoint,
  requestTimeoutMs: number,
  onError: (error: Error) => void,
): Redis {
  const { nodes } = endpoint;
  const ours: RedisOptions = {
    ...nodes[0],
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableAutoPipelining: false,
    retryStrategy: (attempt) => {
      if (attempt > 1) tryNext(client, nodes);
      return retryMs(attempt);
    },
    reconnectOnError: ({ message }) => message.startsWith('READONLY'), // the name may lead to another master by now
    connectTimeout: requestTimeoutMs,
    disconnectTimeout: Math.min(requestTimeoutMs, 500),
    commandTimeout: undefined, // requests have their own deadline, which also drops the connection
    sentinelCommandTimeout: requestTimeoutMs,
    role: 'master', // replicas lag
    readOnly: false,
    keyPrefix: '', // our own, in the keys: ioredis does not put it before channels
    stringNumbers: false,
    protocol: 2,
    connectionName: undefined, // a connection that ends while ioredis 5 sets its name is never made anew
    disableClientInfo: endpoint.options.disableClientInfo ?? true,
  };
  const client: Redis = new Redis({ ...endpoint.options, ...ours, replyMapping: 'legacy' });
  let watchdog: NodeJS.Timeout | undefined;
  client.on('error', onError);
  // ioredis has no deadline between the connection and the answers to AUTH and SELECT.
  client.on('connect', () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => client.status === 'connect' && dropHung(client, endpoint), requestTimeoutMs);
  });
  client.on('close', () => clearTimeout(watchdog));
  client.on('ready', () => clearTimeout(watchdog));
  return client;
}

/** Begins to connect, if that is not under way. */
export function startConnecting(client: Redis): void {
  if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => {}); // told by 'error'
}

/** Ends the present connection, which would not take part in a close, at once. ioredis makes a new one, to another node where there is one. */
export function dropHung(client: Redis, { nodes }: RedisEndpoint): void {
  tryNext(client, nodes);
  client.stream?.destroy();
}

/** Connects to that node instead: in a Cluster, one organisation's keys are all on one. */
export function moveTo(client: Redis, { host, port }: RedisNode): void {
  Object.assign(client.options, { host, port }); // what ioredis connects to next
  client.stream?.destroy();
}

function tryNext(client: Redis, nodes: readonly RedisNode[]): void {
  const { host, port } = client.options;
  const index = nodes.findIndex((node) => node.host === host && node.port === port);
  Object.assign(client.options, nodes[(index + 1) % nodes.length]); // one that is not in the list was named by a node: back to the first
}

/** Ends the client for good; resolves when its socket is closed. */
export async function endClient(client: Redis): Promise<void> {
  const { stream } = client;
  const closed = stream && !stream.closed ? new Promise((resolve) => stream.once('close', resolve)) : null;
  client.disconnect();
  stream?.destroy();
  await closed;
}

import { Redis, type RedisOptions } from 'ioredis';
import { messageOf } from '../../flags/index.ts';
import type { RedisAddress, RedisNode } from './address.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { isLost } from './errors.ts';
import { handshake } from './handshake.ts';
import { Route } from './route.ts';
import { asError } from '../as-error.ts';

/** How long until the next attempt to connect, in milliseconds: for ever, and soon. */
const retryMs = (failures: number): number => Math.min(50 * failures, 250) + Math.floor(Math.random() * 50);

/** What happens to a client. */
export interface ClientEvents {
  /** It is connected, and Redis has accepted user and database. */
  readonly onReady: () => void;
  readonly onError: (error: Error) => void;
}

/**
 * A client that fails instead of waiting: nothing is queued, retried or sent again by itself. It connects in the
 * background, for ever, when something first asks it to, and gives up a connection that does not get ready in time.
 * ioredis' own ready check is off: it needs INFO, which an executor's ACL user may not have, and waits without a limit.
 */
export class RedisClient {
  readonly redis: Redis;
  readonly #endpoint: RedisEndpoint;
  readonly #events: ClientEvents;
  readonly #route: Route;
  /** The node of the present connection. */
  #asked: RedisAddress | undefined;
  /** The connection on which user and database were accepted. */
  #greeted: Redis['stream'] | undefined;
  /** How often they were refused since they were last accepted. */
  #refusals = 0;

  constructor(endpoint: RedisEndpoint, requestTimeoutMs: number, events: ClientEvents) {
    this.#endpoint = endpoint;
    this.#events = events;
    this.#route = new Route(endpoint);
    const ours: RedisOptions = {
      ...this.#address(),
      // Said in the handshake.
      username: undefined,
      password: undefined,
      db: 0,
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      enableAutoPipelining: false,
      monitor: false,
      retryStrategy: (attempt) => this.#retryMs(attempt),
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
    this.redis = new Redis({ ...endpoint.options, ...ours, replyMapping: 'legacy' });
    let watchdog: NodeJS.Timeout | undefined;
    this.redis.on('error', (error) => this.#tell(error));
    this.redis.on('connecting', () => {
      this.#asked = this.#route.current;
    });
    // ioredis has no deadline between the connection and the answers to AUTH and SELECT.
    this.redis.on('connect', () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => this.passOver(), requestTimeoutMs);
    });
    this.redis.on('close', () => clearTimeout(watchdog));
    this.redis.on('ready', () => void this.#greet(() => clearTimeout(watchdog)));
  }

  get isReady(): boolean {
    const { stream } = this.redis;
    // One that was just dropped is not yet known to be closed.
    return this.redis.status === 'ready' && this.#greeted === stream && stream.writable;
  }

  /** Begins to connect, if that is not under way. */
  start(): void {
    // told by 'error'
    if (this.redis.status === 'wait' || this.redis.status === 'end') this.redis.connect().catch(() => {});
  }

  /**
   * Ends the present connection at once: one that hangs would not take part in a close. ioredis makes a new one, to the
   * next node where there is one.
   */
  passOver(): void {
    this.#route.next();
    this.#drop();
  }

  /**
   * Connects to the node that an answer on the present connection named: in a Cluster, one organization's keys are all
   * on one.
   */
  follow(node: RedisNode): void {
    this.#route.follow(node);
    this.#drop();
  }

  /** Ends the client for good; resolves when its socket is closed. */
  async end(): Promise<void> {
    const { stream } = this.redis;
    const closed = stream && !stream.closed ? new Promise((resolve) => stream.once('close', resolve)) : null;
    this.redis.disconnect();
    stream?.destroy();
    await closed;
  }

  async #greet(done: () => void): Promise<void> {
    const { stream } = this.redis;
    try {
      await handshake(this.redis, this.#endpoint);
    } catch (error) {
      // then there is no connection, which is told and mended as such
      if (this.redis.stream !== stream || isLost(error)) return;
      this.#refusals += 1;
      this.#tell(asError(error));
      stream.destroy();
      return;
    }
    if (this.redis.stream !== stream || !stream.writable) return;
    done();
    this.#refusals = 0;
    this.#greeted = stream;
    this.#events.onReady();
  }

  /** What ioredis asks when a connection has ended or was not made. */
  #retryMs(attempt: number): number {
    const failures = Math.max(attempt, this.#refusals);
    const wasReady = this.#greeted === this.redis.stream;
    // A node that had answered is tried once more: it may only have been restarted.
    if (this.#asked === this.#route.current && (failures > 1 || !wasReady)) this.#route.next();
    Object.assign(this.redis.options, this.#address()); // what ioredis connects to next
    return retryMs(failures);
  }

  #drop(): void {
    Object.assign(this.redis.options, this.#address());
    this.redis.stream?.destroy();
  }

  /** All three are named, so that a host ends what a path began; the types of ioredis do not let them be undefined. */
  #address(): RedisOptions {
    const { current } = this.#route;
    return Object.assign({ host: undefined, port: undefined, path: undefined }, current) as RedisOptions;
  }

  #tell(error: Error): void {
    const { current, isNamed } = this.#route;
    const unreached = isNamed && this.#asked === current && 'syscall' in error && 'host' in current;
    this.#events.onError(
      unreached
        ? new Error(
            `${messageOf(error)} (a node of the Cluster names ${current.host}:${current.port} as the one with the keys; where it has another address for this machine, say so in options.natMap)`,
          )
        : error,
    );
  }
}

import type { Redis, RedisOptions } from 'ioredis';
import { messageOf } from '../../flags/index.ts';
import type { RedisAddress, RedisNode } from './address.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { isLost } from './errors.ts';
import { handshake } from './handshake.ts';
import type { RedisClass } from './ioredis.ts';
import { Route } from './route.ts';
import { asError } from '../as-error.ts';

/** How long until the next attempt to connect, in milliseconds. Attempts never end. */
const retryMs = (failures: number): number => Math.min(50 * failures, 250) + Math.floor(Math.random() * 50);

/** Where a client connects to, and how long a connection may take to get ready. */
export interface ClientTo {
  readonly endpoint: RedisEndpoint;
  readonly requestTimeoutMs: number;
}

/** What a client notifies its owner of. */
export interface ClientEvents {
  /** It is connected, and Redis has accepted user and database. */
  readonly onReady: () => void;
  readonly onError: (error: Error) => void;
}

/**
 * A client that fails instead of waiting: it queues, retries and sends again nothing by itself. From `start` on it
 * connects in the background, for ever, and gives up a connection that does not get ready in time. ioredis' own ready
 * check is off: it needs INFO, which an executor's user may not call, and waits without a limit.
 */
export class RedisClient {
  readonly redis: Redis;
  readonly #endpoint: RedisEndpoint;
  readonly #events: ClientEvents;
  readonly #route: Route;
  /** The node that the present connection was made to. */
  #asked: RedisAddress | undefined;
  /** The connection on which Redis has accepted user and database. */
  #greeted: Redis['stream'] | undefined;
  /** How often they were refused since they were last accepted. */
  #refusals = 0;

  constructor(library: RedisClass, { endpoint, requestTimeoutMs }: ClientTo, events: ClientEvents) {
    this.#endpoint = endpoint;
    this.#events = events;
    this.#route = new Route(endpoint);
    const ours: RedisOptions = {
      ...this.#address(),
      // The handshake sends these.
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
      reconnectOnError: ({ message }) => message.startsWith('READONLY'), // the name may lead to a new master
      connectTimeout: requestTimeoutMs,
      disconnectTimeout: Math.min(requestTimeoutMs, 500),
      commandTimeout: undefined, // requests have their own deadline, and drop the connection at it
      sentinelCommandTimeout: requestTimeoutMs,
      role: 'master', // replicas lag
      readOnly: false,
      keyPrefix: '', // our keys have it already: ioredis does not put it before channels
      stringNumbers: false,
      protocol: 2,
      connectionName: undefined, // ioredis 5 never reconnects when a connection ends while it sets the name
      disableClientInfo: endpoint.options.disableClientInfo ?? true,
    };
    this.redis = new library({ ...endpoint.options, ...ours, replyMapping: 'legacy' });
    let watchdog: NodeJS.Timeout | undefined;
    this.redis.on('error', (error) => this.#notifyError(error));
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
    // A connection that was just dropped may not be closed yet.
    return this.redis.status === 'ready' && this.#greeted === stream && stream.writable;
  }

  /** Begins to connect, unless that is under way. */
  start(): void {
    // emitted as 'error' too
    if (this.redis.status === 'wait' || this.redis.status === 'end') this.redis.connect().catch(() => {});
  }

  /**
   * Drops the present connection without a QUIT, which one that hangs would not answer. ioredis makes a new one, to the
   * next node where there are several.
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
      // the connection is gone: ioredis emits that and connects again
      if (this.redis.stream !== stream || isLost(error)) return;
      this.#refusals += 1;
      this.#notifyError(asError(error));
      stream.destroy();
      return;
    }
    if (this.redis.stream !== stream || !stream.writable) return;
    done();
    this.#refusals = 0;
    this.#greeted = stream;
    this.#events.onReady();
  }

  /** ioredis calls this when a connection has ended or could not be made. */
  #retryMs(attempt: number): number {
    const failures = Math.max(attempt, this.#refusals);
    const wasReady = this.#greeted === this.redis.stream;
    // A node that was connected is tried once more: it may have been restarted.
    if (this.#asked === this.#route.current && (failures > 1 || !wasReady)) this.#route.next();
    Object.assign(this.redis.options, this.#address()); // what ioredis connects to next
    return retryMs(failures);
  }

  #drop(): void {
    Object.assign(this.redis.options, this.#address());
    this.redis.stream?.destroy();
  }

  /** All three members are there, so that a host replaces a path. The types of ioredis do not allow undefined. */
  #address(): RedisOptions {
    const { current } = this.#route;
    return Object.assign({ host: undefined, port: undefined, path: undefined }, current) as RedisOptions;
  }

  #notifyError(error: Error): void {
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

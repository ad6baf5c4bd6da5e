import type { Redis } from 'ioredis';
import { KillSwitchError } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { RedisClient } from './client.ts';
import type { RedisEndpoint } from './endpoint.ts';
import type { RedisClass } from './ioredis.ts';
import { isLost, isRefused, isTooOld, movedTo, passing, serverName, storeError } from './errors.ts';

/** How long until a request is sent again after an error that passes by itself, in milliseconds. */
const PAUSE_MS = 50;

/**
 * How often nodes may name another node before the next given one is asked. A Cluster that is changing does so twice.
 */
const MOVES = 4;

export interface Request<T> {
  readonly access: 'read' | 'write';
  /** How long it may take while bytes keep coming, in milliseconds; default: `requestTimeoutMs`. */
  readonly largeMs?: number | undefined;
  /** Sends all commands in one turn; `leftMs` is the rest of the request's time. */
  readonly send: (client: Redis, leftMs: number) => Promise<T>;
}

/**
 * The connection for requests: each is answered, refused or fails within its time. A request that hangs drops the
 * connection.
 */
export class RedisConnection {
  readonly endpoint: RedisEndpoint;
  readonly #requestTimeoutMs: number;
  readonly #client: RedisClient;
  readonly #waiting = new Set<() => void>();
  /** The requests on the present connection that are not answered yet. */
  readonly #asked = new Set<Promise<unknown>>();
  /** The connection that is dropped for another node's as soon as its requests are answered. */
  #leaving: Redis['stream'] | undefined;
  #lastError: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(library: RedisClass, endpoint: RedisEndpoint, requestTimeoutMs: number) {
    this.endpoint = endpoint;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#client = new RedisClient(
      library,
      { endpoint, requestTimeoutMs },
      {
        onReady: () => this.#wakeAll(),
        onError: (error) => {
          this.#lastError = error;
          // Waiting does not mend a refusal; but another node may have other users.
          if (endpoint.nodes.length === 1 && isRefused(error)) this.#wakeAll();
        },
      },
    );
  }

  /** @throws KillSwitchError STORE_UNREACHABLE, STORE_READ_ONLY, NOT_PERMITTED, CORRUPT, CLOSED */
  async request<T>({ access, largeMs, send }: Request<T>): Promise<T> {
    const end = performance.now() + this.#requestTimeoutMs;
    let refused: unknown;
    for (let moves = 0; ; ) {
      let stream: Redis['stream'] | undefined;
      try {
        await this.#ready(Math.max(1, end - performance.now()));
        ({ stream } = this.#client.redis);
        const leftMs = Math.max(1, end - performance.now());
        const answer = await this.#answer(send(this.#client.redis, leftMs), leftMs, largeMs);
        this.#lastError = undefined;
        return answer;
      } catch (thrown) {
        if (this.#closing) throw closedConnection(this.endpoint);
        // Judged by the request's own answer only: an error of the connection does not say whether a request that was
        // lost with it was done.
        const [node, passes] = [movedTo(thrown), passing(thrown)];
        if ((!node && !passes) || performance.now() + PAUSE_MS >= end) {
          // there was no time left to ask the next node
          const why = stream || this.#lastError ? thrown : (refused ?? thrown);
          throw await this.#failure((isLost(why) && this.#lastError) || why, access, end);
        }
        refused = thrown;
        if (node) moves += 1;
        if (node && moves % MOVES !== 0) await this.#leave(stream, end, () => this.#client.follow(node));
        else if (node || (passes === 'another node may' && this.endpoint.nodes.length > 1))
          await this.#leave(stream, end, () => this.#client.passOver());
        if (passes) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#client.end();
    this.#wakeAll();
    return this.#closing;
  }

  /**
   * Leaves the connection for another node's. New requests wait; those under way are answered first, since they would
   * be lost with it although its node is well. Where the connection is another one already, another request has left
   * it.
   */
  async #leave(stream: Redis['stream'] | undefined, end: number, go: () => void): Promise<void> {
    if (this.#client.redis.stream !== stream) return;
    this.#leaving = stream;
    await withDeadline(
      Promise.allSettled(this.#asked),
      Math.max(1, end - performance.now()),
      'what was asked before',
    ).catch(() => {});
    if (this.#client.redis.stream === stream) go();
  }

  get #isReady(): boolean {
    return this.#client.isReady && this.#client.redis.stream !== this.#leaving;
  }

  async #ready(withinMs: number): Promise<void> {
    if (this.#closing) throw closedConnection(this.endpoint);
    if (this.#isReady) return;
    this.#client.start();
    let timer: NodeJS.Timeout | undefined;
    let wake = (): void => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(wake);
      timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
    this.#waiting.delete(wake);
    if (this.#closing) throw closedConnection(this.endpoint);
    if (!this.#isReady) throw this.#lastError ?? new Error(`no connection within ${Math.round(withinMs)} ms`);
  }

  async #answer<T>(work: Promise<T>, leftMs: number, largeMs: number | undefined): Promise<T> {
    const { stream } = this.#client.redis;
    this.#asked.add(work);
    const since = performance.now();
    let received = stream.bytesRead;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      const expire = (): void => {
        const waitedMs = performance.now() - since;
        if (largeMs !== undefined && stream.bytesRead > received && waitedMs < largeMs) {
          received = stream.bytesRead;
          timer = setTimeout(expire, Math.min(this.#requestTimeoutMs, largeMs - waitedMs));
          return;
        }
        // A connection that was made just before the deadline has had no time to answer, and stays.
        if (this.#client.redis.stream === stream && waitedMs > this.#requestTimeoutMs / 2) this.#client.passOver();
        reject(new Error(`no answer within ${Math.round(waitedMs)} ms`));
      };
      timer = setTimeout(expire, leftMs);
    });
    try {
      return await Promise.race([work, deadline]);
    } finally {
      clearTimeout(timer);
      this.#asked.delete(work);
      work.catch(() => {}); // nobody awaits a rejection after the deadline
    }
  }

  /** The error for the caller. A server that is too old is first asked what it is, which its ACL may refuse. */
  async #failure(error: unknown, access: 'read' | 'write', end: number): Promise<KillSwitchError> {
    const leftMs = end - performance.now();
    const info =
      isTooOld(error) && leftMs > 0 && this.#client.isReady
        ? await withDeadline(this.#client.redis.call('INFO', 'server'), leftMs, 'INFO').catch(() => null)
        : null;
    return storeError(error, access, this.endpoint, serverName(info));
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** The error for a request over a connection that was closed. */
export const closedConnection = ({ location }: Pick<RedisEndpoint, 'location'>): KillSwitchError =>
  new KillSwitchError('CLOSED', `This connection to Redis at ${location} has been closed.`);

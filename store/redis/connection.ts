import type { Redis } from 'ioredis';
import { KillSwitchError } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { RedisClient } from './client.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { isLost, isRefused, isTooOld, movedTo, passing, serverName, storeError } from './errors.ts';

/** How long until what passes by itself is asked again, in milliseconds. */
const PAUSE_MS = 50;

/**
 * A Cluster that is changing may send on twice; nodes that do it more often are passed over for the next that was
 * given.
 */
const MOVES = 4;

export interface Request<T> {
  readonly access: 'read' | 'write';
  /** The longest it may take while bytes keep coming, in milliseconds; default: `requestTimeoutMs`, whatever comes. */
  readonly largeMs?: number | undefined;
  /** Sends, in one turn; `leftMs` is what is left of the request's time. */
  readonly send: (client: Redis, leftMs: number) => Promise<T>;
}

/**
 * The connection for requests: each is answered, refused or failed within its time, and one that hangs takes the
 * connection with it.
 */
export class RedisConnection {
  readonly endpoint: RedisEndpoint;
  readonly #requestTimeoutMs: number;
  readonly #client: RedisClient;
  readonly #waiting = new Set<() => void>();
  /** What was asked on the present connection and is not answered yet. */
  readonly #asked = new Set<Promise<unknown>>();
  /** The connection that another node's replaces, once all is answered that was asked on it. */
  #leaving: Redis['stream'] | undefined;
  #lastError: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(endpoint: RedisEndpoint, requestTimeoutMs: number) {
    this.endpoint = endpoint;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#client = new RedisClient(endpoint, requestTimeoutMs, {
      onReady: () => this.#wakeAll(),
      onError: (error) => {
        this.#lastError = error;
        // Waiting would not mend it; another node may have other users.
        if (endpoint.nodes.length === 1 && isRefused(error)) this.#wakeAll();
      },
    });
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
        if (this.#closing) throw this.#closedError();
        // Only by its own answer: what was told of the connection says nothing of a request that was lost with it, and
        // may have been done.
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
   * Nothing more is asked on a connection that is left, and what was asked on it is answered first: it would be lost
   * with it, although its node is well. Where the connection is another by now, somebody else's answer has moved it on.
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
    if (this.#closing) throw this.#closedError();
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
    if (this.#closing) throw this.#closedError();
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
        // One that was made just in time has not had its chance.
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
      work.catch(() => {}); // what comes after the deadline belongs to nobody
    }
  }

  /** The error for whoever asked; a server that is too old is first asked what it is, which its ACL may refuse. */
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

  #closedError(): KillSwitchError {
    return new KillSwitchError('CLOSED', `This connection to Redis at ${this.endpoint.location} has been closed.`);
  }
}

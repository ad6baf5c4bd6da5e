import { closedConnection, RedisConnection, type Request } from './connection.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { loadIoredis } from './ioredis.ts';

/** Requests to a Redis, over a connection that is made with the first one: ioredis is loaded for it. */
export class LazyConnection {
  readonly #endpoint: RedisEndpoint;
  readonly #requestTimeoutMs: number;
  #connection: RedisConnection | undefined;
  #closed = false;

  constructor(endpoint: RedisEndpoint, requestTimeoutMs: number) {
    this.#endpoint = endpoint;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /** @throws KillSwitchError as `RedisConnection` does, and MISSING_PACKAGE */
  async request<T>(request: Request<T>): Promise<T> {
    const connection = this.#connection ?? (await this.#connect());
    return connection.request(request);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close();
  }

  async #connect(): Promise<RedisConnection> {
    const Redis = await loadIoredis();
    if (this.#closed) throw closedConnection(this.#endpoint);
    this.#connection ??= new RedisConnection(Redis, this.#endpoint, this.#requestTimeoutMs);
    return this.#connection;
  }
}

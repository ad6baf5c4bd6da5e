import type { RedisAddress, RedisNode } from './address.ts';
import type { RedisEndpoint } from './endpoint.ts';

/**
 * Which node is asked: the given ones one after the other, and in between a node that an answer named, as long as it
 * can be reached.
 */
export class Route {
  readonly #given: RedisEndpoint['nodes'];
  readonly #natMap: RedisEndpoint['natMap'];
  #index = 0;
  #current: RedisAddress;

  constructor({ nodes, natMap }: Pick<RedisEndpoint, 'nodes' | 'natMap'>) {
    this.#given = nodes;
    this.#natMap = natMap;
    this.#current = this.#at(0);
  }

  get current(): RedisAddress {
    return this.#current;
  }

  /** True when an answer named the present node, and it is not one of those that were given. */
  get isNamed(): boolean {
    return !this.#given.includes(this.#current);
  }

  /** Goes on to the next given node, also from a named one: back to the node that named it would be an endless loop. */
  next(): void {
    this.#index = (this.#index + 1) % this.#given.length;
    this.#current = this.#at(this.#index);
  }

  /**
   * Goes on to the node that an answer names. An empty host or `?` means the present host, at that port. Port 0 names
   * no node; then the next given one is asked.
   */
  follow({ host, port }: RedisNode): void {
    if (port === 0) return this.next();
    const named = host === '' || host === '?' ? { host: hostOf(this.#current), port } : this.#translated(host, port);
    const index = this.#given.findIndex(
      (given) => 'host' in given && given.host === named.host && given.port === named.port,
    );
    if (index >= 0) this.#index = index;
    this.#current = index >= 0 ? this.#at(index) : named;
  }

  #translated(host: string, port: number): RedisNode {
    const key = `${host}:${port}`;
    const known = typeof this.#natMap === 'function' ? this.#natMap(key) : this.#natMap?.[key];
    return known ? { host: known.host, port: known.port } : { host, port };
  }

  #at(index: number): RedisAddress {
    return this.#given[index] ?? this.#given[0];
  }
}

/** The host of a node; behind a socket it is this machine. */
const hostOf = (address: RedisAddress): string => ('host' in address ? address.host : '127.0.0.1');

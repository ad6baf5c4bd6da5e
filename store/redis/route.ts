import type { RedisAddress, RedisNode } from './address.ts';
import type { RedisEndpoint } from './endpoint.ts';

/**
 * Which node is asked: those that were given, in turn, and in between one that an answer named, for as long as it can
 * be reached.
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

  /** Whether the present node is one that an answer named, and nobody has given. */
  get isNamed(): boolean {
    return !this.#given.includes(this.#current);
  }

  /**
   * To the next of those that were given, also from a node that was named: back to the one that named it would go round
   * for ever.
   */
  next(): void {
    this.#index = (this.#index + 1) % this.#given.length;
    this.#current = this.#at(this.#index);
  }

  /**
   * To the node that an answer of the present one names. Without a host, or with `?` (it knows none), that is the host
   * that was asked, at another port; without a port nothing is named that could be asked.
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

/** The other nodes beside a socket of this machine are on this machine. */
const hostOf = (address: RedisAddress): string => ('host' in address ? address.host : '127.0.0.1');

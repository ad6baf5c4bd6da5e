import type { RedisOptions } from 'ioredis';
import { invalid } from '../../flags/index.ts';

export interface RedisEndpointOptions {
  /** `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. User and password are percent-encoded. */
  readonly url: string;
  /** More for ioredis: TLS, Sentinel, ACL user, key prefix. What makes it fail late, queue or retry is set by this package. */
  readonly options?: RedisOptions | undefined;
  /** Further nodes of a Redis Cluster, asked when the URL's does not answer. Whichever answers says which one holds the keys. */
  readonly cluster?: readonly RedisNode[] | undefined;
  /** A write counts only when so many replicas have it too; default 0. Set `min-replicas-to-write` as well. */
  readonly replicas?: number | undefined;
}

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** A node, or a socket of this machine. */
export type RedisAddress = RedisNode | { readonly path: string };

/** Where a Redis is and how it is reached, checked once. */
export interface RedisEndpoint {
  /** The URL without user and password. */
  readonly location: string;
  /** What must not appear in any message. */
  readonly secrets: readonly string[];
  readonly keyPrefix: string;
  /** The database, in which everything is. */
  readonly db: number;
  readonly replicas: number;
  /** The URL's first. */
  readonly nodes: readonly [RedisAddress, ...RedisAddress[]];
  /** The address under which a node is reached that names itself so. */
  readonly natMap: RedisOptions['natMap'];
  /** Credentials and settings, without the node. */
  readonly options: RedisOptions;
}

// None of these says what the URL was: an unreadable one may have its password anywhere.
const HOW = 'Write redis://user:password@host:port/db, with user and password percent-encoded.';

/** @throws KillSwitchError INVALID_ARGUMENT */
export function redisEndpoint({ url, options = {}, replicas = 0, cluster = [] }: RedisEndpointOptions): RedisEndpoint {
  const parsed = parseUrl(url);
  if (!Number.isInteger(replicas) || replicas < 0)
    throw invalid(`replicas must be a whole number from 0, not ${replicas}.`);
  const { username, password } = credentials(parsed);
  const path = parsed.pathname.slice(1);
  const db = path === '' ? (options.db ?? 0) : Number(path);
  if (!/^\d{0,5}$/.test(path)) throw invalid(`The path of the Redis URL must be a database number. ${HOW}`);
  if (!Number.isInteger(db) || db < 0) throw invalid(`db must be a whole number from 0, not ${options.db}.`);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const secrets = [password, parsed.password, options.password, options.sentinelPassword, options.tls?.passphrase];
  return {
    location: `${parsed.protocol}//${parsed.host}${path || db ? `/${db}` : ''}`,
    secrets: secrets.filter((secret): secret is string => typeof secret === 'string' && secret !== ''),
    keyPrefix: options.keyPrefix ?? '',
    db,
    natMap: options.natMap,
    replicas,
    nodes: [
      { host, port: parsed.port ? Number(parsed.port) : 6379 },
      ...cluster.map(({ host, port }) => ({ host, port })),
    ],
    options: {
      ...options,
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      ...(path ? { db } : {}),
      ...(parsed.protocol === 'rediss:' ? { tls: options.tls ?? {} } : {}),
    },
  };
}

function parseUrl(url: unknown): URL {
  if (typeof url !== 'string' || !URL.canParse(url)) throw invalid(`The Redis URL cannot be read. ${HOW}`);
  const parsed = new URL(url);
  if (!/^rediss?:$/.test(parsed.protocol)) throw invalid(`The Redis URL must begin with redis: or rediss:. ${HOW}`);
  if (!parsed.hostname) throw invalid(`The Redis URL names no host. ${HOW}`);
  // An unescaped `/`, `?` or `#` in a password ends the host early: what follows would be shown as a path, or used as options.
  if (url.includes('@') && !parsed.username && !parsed.password)
    throw invalid(`The Redis URL has an @ that ends no password. ${HOW}`);
  if (parsed.search || parsed.hash)
    throw invalid(`The Redis URL must have no ? or #: give further settings as options. ${HOW}`);
  return parsed;
}

function credentials({ username, password }: URL): { username: string; password: string } {
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    throw invalid(`The user or password in the Redis URL is not percent-encoded. ${HOW}`);
  }
}

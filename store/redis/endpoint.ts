import type { RedisOptions } from 'ioredis';
import { isThenable } from '../../flags/callbacks.ts';
import { invalid, quoteId } from '../../flags/index.ts';
import { checkKeys, checkType, type Keys, nearMissProblem, readable } from '../../flags/options.ts';
import type { RedisAddress, RedisNode } from './address.ts';
import { parseRedisUrl } from './url.ts';

export interface RedisEndpointOptions {
  /**
   * `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, or `redis+unix:///path/of/the.sock[?db=5]`. User
   * and password are percent-encoded. Parameters: `ca`, `cert`, `key` (files) and `servername` for TLS; `prefix` for
   * the keys; `replicas`; `cluster=host:port,host:port`; `sentinels=host:port,host:port`, whose master the URL's host
   * names, with `sentinelUsername` and `sentinelPasswordFile`. What the URL says goes before `options`.
   */
  readonly url: string;
  /**
   * Further options for ioredis: TLS, Sentinel, ACL user, key prefix, `natMap`. This package itself sets those by which
   * ioredis queues, retries or waits.
   */
  readonly options?: RedisOptions | undefined;
  /**
   * Further nodes of a Redis Cluster, asked when the URL's node does not answer. Any node says which one holds the
   * keys.
   */
  readonly cluster?: readonly RedisNode[] | undefined;
  /** A write counts only when so many replicas have it too; default 0. Set `min-replicas-to-write` as well. */
  readonly replicas?: number | undefined;
}

export const ENDPOINT_KEYS: Keys<RedisEndpointOptions> = {
  url: ['uri', 'address'],
  options: true,
  cluster: ['nodes'],
  replicas: true,
};

/**
 * The options of ioredis that decide which switch this is and who is believed. A key that is nearly one of these is
 * refused; all others are ioredis's own matter, since another version of it may have more of them.
 */
const IOREDIS_KEYS: Keys<
  Pick<
    RedisOptions,
    | ('username' | 'password' | 'db' | 'keyPrefix' | 'natMap' | 'tls' | 'path' | 'host' | 'port')
    | ('name' | 'sentinels' | 'sentinelUsername' | 'sentinelPassword' | 'sentinelTLS' | 'enableTLSForSentinelMode')
  >
> = {
  username: ['user'],
  password: ['pass', 'auth'],
  db: ['database'],
  keyPrefix: ['prefix'],
  natMap: true,
  tls: ['ssl'],
  path: true,
  host: true,
  port: true,
  name: true,
  sentinels: true,
  sentinelUsername: true,
  sentinelPassword: true,
  sentinelTLS: true,
  enableTLSForSentinelMode: true,
};

/** Where a Redis is and how it is reached, checked once. */
export interface RedisEndpoint {
  /** The URL without user and password. */
  readonly location: string;
  /**
   * The user's name, to be shown; null where the URL has no password beside it, since the name may then be the
   * password.
   */
  readonly user: string | null;
  /** What an error says where this user may not do something; default: a general hint. */
  readonly permission?: string | undefined;
  /** Texts that must not appear in any message. */
  readonly secrets: readonly string[];
  readonly keyPrefix: string;
  /** The database, in which everything is. */
  readonly db: number;
  readonly replicas: number;
  /** The URL's node comes first. */
  readonly nodes: readonly [RedisAddress, ...RedisAddress[]];
  /** Maps the address by which a node names itself to the one under which it is reached. */
  readonly natMap: RedisOptions['natMap'];
  /** Credentials and settings, without the node. */
  readonly options: RedisOptions;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export const redisEndpoint = (given: RedisEndpointOptions): RedisEndpoint =>
  readable('The options of a store in Redis', () => checkedEndpoint(given));

function checkedEndpoint({ url, options = {}, replicas = 0, cluster = [] }: RedisEndpointOptions): RedisEndpoint {
  checkIoredis(options);
  if (!Array.isArray(cluster))
    throw invalid(`cluster must be a list of nodes, such as [{ host, port }], not ${quoteId(cluster)}.`);
  for (const node of cluster) checkNode(node);
  const said = parseRedisUrl(url);
  if (options.path !== undefined)
    throw invalid('A socket is given as the URL, redis+unix:///path/of/the.sock, not as options.path.');
  const copies = said.replicas ?? replicas;
  if (!Number.isInteger(copies) || copies < 0)
    throw invalid(`replicas must be a whole number from 0, not ${quoteId(replicas)}.`);
  const { db: inOptions = 0 } = options;
  const db = said.db ?? inOptions;
  if (!Number.isInteger(db) || db < 0) throw invalid(`db must be a whole number from 0, not ${quoteId(options.db)}.`);
  const secrets = [...said.secrets, options.password, options.sentinelPassword, options.tls?.passphrase];
  const { tls } = said.options;
  const { username = null, password } = { ...options, ...said.options };
  return {
    location: db !== 0 && said.db === undefined ? withDatabase(said.location, db) : said.location,
    user: password ? username : null, // a name without a password may be the password
    secrets: secrets.filter((secret): secret is string => typeof secret === 'string' && secret !== ''),
    keyPrefix: said.keyPrefix ?? options.keyPrefix ?? '',
    db,
    replicas: copies,
    nodes: [said.address, ...[...said.cluster, ...cluster].map(({ host, port }) => ({ host, port }))],
    natMap: options.natMap,
    options: {
      ...options,
      ...said.options,
      ...(said.db === undefined ? {} : { db }),
      ...(tls ? { tls: { ...options.tls, ...tls } } : {}),
    },
  };
}

/** The options that are passed to ioredis: of those that decide which switch this is, also the values. */
function checkIoredis(options: RedisOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isThenable<object>(options))
    throw invalid(`options of a store in Redis must be an object, not ${quoteId(options)}.`);
  const problem = nearMissProblem('ioredis', Object.keys(options), IOREDIS_KEYS);
  if (problem !== null) throw invalid(problem);
  for (const [what, text] of Object.entries({ username: options.username, keyPrefix: options.keyPrefix }))
    checkType(`options.${what}`, text, 'string');
  if (options.password !== undefined && typeof options.password !== 'string')
    throw invalid(`options.password must be a text, not a ${typeof options.password}.`); // what it is may be the secret
}

function checkNode(node: RedisNode): void {
  const { host, port } = checkKeys('a cluster node', node, { host: true, port: true });
  if (typeof host !== 'string' || host === '')
    throw invalid(`The host of a cluster node must be a text, not ${quoteId(host)}.`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw invalid(`The port of a cluster node must be a whole number from 1 to 65535, not ${quoteId(port)}.`);
}

function withDatabase(location: string, db: number): string {
  const [path, query] = location.split('?');
  if (location.startsWith('redis+unix:')) return `${path}?${query ? `${query}&` : ''}db=${db}`;
  return `${path}/${db}${query ? `?${query}` : ''}`;
}

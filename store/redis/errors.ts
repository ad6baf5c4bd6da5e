import { isKillSwitchError, KillSwitchError, messageOf, quoteId } from '../../flags/index.ts';
import type { RedisNode } from './address.ts';
import type { RedisEndpoint } from './endpoint.ts';
import type { RedisKeys } from './keys.ts';

/** What Redis says when it takes no writes, and what to do then. */
const REFUSALS: Readonly<Record<string, string>> = {
  READONLY: 'it is a replica. Point the URL at the master, or name the Sentinels in `options`',
  MISCONF: 'it cannot write to its disk. Free space or repair the disk, its own log says which',
  OOM: 'its memory is full. Raise maxmemory or remove other data',
  NOREPLICAS: 'too few of its replicas are in reach (min-replicas-to-write). Bring them back',
  NOLIBRARY:
    'it does not have the functions of this version of the switch, or has others under their names, and this user may run nothing else. Any command of an operator of this version puts them there, for instance: kill-switch status',
  FULL: 'executors have entered as many names as are read, so none of another name may act. Any command of an operator takes out those of which nothing is left, for instance: kill-switch status. Those that have ended without leaving stay until they are forgotten (kill-switch executors forget). Give executors names that stay when they are started anew, and where one may be hostile users of their own (kill-switch redis acl)',
};

/** Why Redis lets nobody in by this URL, and what to do then. */
const NOT_LET_IN: Readonly<Record<string, (who: string) => string>> = {
  NOAUTH: () => 'it asks for a password. Put user and password into the URL',
  WRONGPASS: (who) =>
    `it does not accept ${who} with this password, or has no such user, or has switched it off. Correct user or password in the URL; ACL LIST there names the users`,
  NOPASSWORD: () =>
    'it asks for no password, though the URL has one: it may have lost its settings, or be another one. Set requirepass there, or take the password out of the URL',
};

/** What a node says that cannot answer at present, and what that means. Nothing was then done. */
const PASSING: Readonly<Record<string, string>> = {
  LOADING: 'is still loading its data',
  CLUSTERDOWN: 'is a Cluster that does not serve the keys at present. CLUSTER INFO says what it lacks',
  // A client may follow an ASK: but the other node says of keys that have not arrived there that they do not exist, and
  // a switch without its state is no switch.
  ASK: 'is a Cluster in which the slot of the keys is being moved to another node. It goes on when that is done',
  TRYAGAIN: 'is a Cluster in which the slot of the keys is being moved to another node. It goes on when that is done',
};

/** What to do where nothing answers, by the system's name of what went wrong. */
const UNREACHED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: start Redis, or correct host and port',
  ENOTFOUND: 'There is no host of this name: correct it, or look at the DNS',
  EAI_AGAIN: 'The DNS does not answer: correct the name of the host, or try again',
  ENOENT: 'There is no such socket: start Redis, or correct the path',
};

/** How a server says that it does not know the first line of our scripts. */
const TOO_OLD = /unexpected symbol near '#'|Unexpected flag in script shebang|Unexpected engine in script shebang/;

/** How ioredis says that a connection ended before the answer came. */
const LOST = /max retries per request|Connection is closed|Stream isn't writeable|Command aborted/;

/**
 * What was said, word for word: to be judged by, never to be shown. `messageOf` leaves out what may be a secret, and
 * much that it may not be.
 */
const rawText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The error word that Redis puts first. It has none for what an ACL refuses inside a script, for a long command before
 * AUTH, and for an AUTH that nobody asked for.
 */
function replyCode(message: string): string {
  if (/executing the script can't|ACL failure in script/.test(message)) return 'NOPERM';
  if (/Protocol error: unauthenticated/.test(message)) return 'NOAUTH';
  if (/without any password configured|but no password is set/.test(message)) return 'NOPASSWORD';
  return /^-?([A-Z]+)\b/.exec(message)?.[1] ?? '';
}

/** The text without any secret of the endpoint. */
const redact = (text: string, { secrets }: Pick<RedisEndpoint, 'secrets'>): string =>
  secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);

/** True for an answer of Redis: what was asked was then not done, other than after a lost connection. */
export const isReply = (error: unknown): error is Error & { readonly name: 'ReplyError' } =>
  error instanceof Error && error.name === 'ReplyError';

/** True when the connection ended before the answer came: what ended it was told before. */
export const isLost = (error: unknown): boolean => !isReply(error) && LOST.test(rawText(error));

/**
 * The node of a Cluster that holds the keys, where an answer names it instead of doing what was asked. Its host may be
 * empty or `?`, its port 0.
 */
export function movedTo(error: unknown): RedisNode | null {
  const [, host, port] = (isReply(error) && /^MOVED \d+ (.*):(\d+)$/.exec(error.message)) || [];
  return host !== undefined && port !== undefined ? { host, port: Number(port) } : null;
}

/** Why a node cannot answer at present, where that passes by itself, and nothing was done. */
export function passing(error: unknown): 'another node may' | 'wait' | null {
  const code = isReply(error) ? replyCode(error.message) : '';
  return code === 'CLUSTERDOWN' ? 'another node may' : Object.hasOwn(PASSING, code) ? 'wait' : null;
}

/**
 * True where Redis does not let this user in, or not into this database: the same is refused again until a person mends
 * it.
 */
export const isRefused = (error: unknown): boolean =>
  isKillSwitchError(error)
    ? error.code === 'NOT_PERMITTED'
    : isReply(error) && Object.hasOwn(NOT_LET_IN, replyCode(rawText(error)));

/** True when a server does not know scripts as Redis 7 does. */
export const isTooOld = (error: unknown): boolean => isReply(error) && TOO_OLD.test(rawText(error));

/**
 * Which server it is and of which version, by its answer to INFO; those that came from Redis also give the version of
 * Redis that they are like.
 */
export function serverName(info: unknown): string | null {
  const said = (field: string): string | undefined =>
    new RegExp(`^${field}:([\\w.-]{1,40})\\r?$`, 'm').exec(String(info))?.[1];
  const [dragonfly, valkey, redis] = [said('dragonfly_version'), said('valkey_version'), said('redis_version')];
  if (dragonfly) return `Dragonfly ${dragonfly}`;
  if (valkey) return `Valkey ${valkey}`;
  return redis ? `${/keydb/i.test(String(info)) ? 'KeyDB' : 'Redis'} ${redis}` : null;
}

/**
 * What a failed request means. Always a new error: those of ioredis carry the command with all its arguments, also the
 * password of AUTH. `server`: what it says it is, where it was asked. `access`: what a refused read is, is an
 * unreachable store; a refused write is one that takes none.
 */
export function storeError(
  error: unknown,
  access: 'read' | 'write',
  endpoint: RedisEndpoint,
  server: string | null = null,
): KillSwitchError {
  if (isKillSwitchError(error)) return error;
  const code = replyCode(rawText(error));
  const message = redact(isLost(error) ? 'the connection was lost' : messageOf(error), endpoint);
  const cause = new Error(message);
  const at = `Redis at ${endpoint.location}`;
  if (code === 'WRONGTYPE' || code === 'CORRUPT') {
    return new KillSwitchError(
      'CORRUPT',
      `${at} holds something that is not the switch under one of its keys: ${message}`,
      { cause },
    );
  }
  if (isTooOld(error)) {
    return new KillSwitchError(
      'STORE_READ_ONLY',
      `${at} ${server === null ? 'is older than Redis 7' : `is ${server}`}: Redis 7.0 or newer is needed, or Valkey, whose scripts let a kill through when memory is full. Update it.`,
      { cause },
    );
  }
  const who = endpoint.user === null ? "the URL's user" : `the user ${quoteId(endpoint.user)}`;
  const notLetIn = Object.hasOwn(NOT_LET_IN, code) ? NOT_LET_IN[code] : undefined;
  if (notLetIn) {
    return new KillSwitchError('NOT_PERMITTED', `${at} lets nobody in by this URL (${code}): ${notLetIn(who)}.`, {
      cause,
    });
  }
  if (code === 'NOPERM') {
    const { permission = 'ACL LOG says what was denied.' } = endpoint;
    const said = message.replace(/^NOPERM\s*/, '').replace(/\.$/, '');
    return new KillSwitchError(
      'NOT_PERMITTED',
      `${at} does not permit this to ${who} (NOPERM: ${said}). ${permission}`,
      {
        cause,
      },
    );
  }
  const refusal = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  if (refusal) {
    const what = access === 'write' ? 'takes no writes' : 'cannot be read';
    return new KillSwitchError(
      access === 'read' ? 'STORE_UNREACHABLE' : 'STORE_READ_ONLY',
      `${at} ${what} (${code}): ${refusal}.`,
      { cause },
    );
  }
  const passes = Object.hasOwn(PASSING, code) ? PASSING[code] : undefined;
  if (passes) return new KillSwitchError('STORE_UNREACHABLE', `${at} ${passes} (${message}).`, { cause });
  if (code === 'MOVED') {
    return new KillSwitchError(
      'STORE_UNREACHABLE',
      `${at} is a Cluster that sends on to another node, and none that has the keys answered in time (${message}). Where its nodes have other addresses for this machine, say so in options.natMap; CLUSTER SHARDS says what they call each other.`,
      { cause },
    );
  }
  return new KillSwitchError(
    'STORE_UNREACHABLE',
    `${at} cannot be reached: ${message}. ${unreached(message, endpoint)}.`,
    { cause },
  );
}

function unreached(message: string, { location }: Pick<RedisEndpoint, 'location'>): string {
  const [errno = ''] = /\bE[A-Z_]{3,}\b/.exec(message) ?? [];
  if (Object.hasOwn(UNREACHED, errno)) return UNREACHED[errno] ?? '';
  const tls = location.startsWith('rediss:') ? 'speaks TLS on that port' : 'asks for no TLS on that port (rediss://)';
  return `Check that it runs, that the URL is right, and that it ${tls}`;
}

/**
 * Redis does not let this user into the database of the URL. Nothing may then be asked on this connection: it would be
 * asked of database 0.
 */
export function refusedDatabase(error: unknown, endpoint: RedisEndpoint): unknown {
  const code = replyCode(rawText(error));
  if (!isReply(error) || (code !== 'NOPERM' && code !== 'ERR')) return error; // it asks for a password, or is loading
  const message = redact(messageOf(error), endpoint);
  const mend =
    code === 'NOPERM'
      ? 'Give its user the permission (ACL SETUSER … +select), or the switch a database 0 of its own'
      : "Name one below that Redis's `databases` (a Cluster has only 0)";
  return new KillSwitchError(
    'NOT_PERMITTED',
    `Redis at ${endpoint.location} refuses database ${endpoint.db}: ${message}. ${mend}.`,
    { cause: new Error(message) },
  );
}

/** An answer that is not what this package stored. */
export const corrupt = (endpoint: RedisEndpoint, what: string, cause?: unknown): KillSwitchError =>
  new KillSwitchError('CORRUPT', `Redis at ${endpoint.location} ${what}`, { cause });

/** The head is there, and not what belongs to it; a kill that was in it would not be seen by who loads it now. */
export const stateIsGone = (endpoint: RedisEndpoint, { head, log }: RedisKeys): KillSwitchError =>
  corrupt(
    endpoint,
    `holds a head without its state: a part of the switch was deleted. Restore a backup; or give up what there was with DEL ${head} ${log}, and then: kill-switch recover --reason "…"`,
  );

/**
 * The answer of a script that wrote.
 * @throws KillSwitchError STORE_READ_ONLY when too few replicas had it in time; `consequence` ends the message
 */
export function requireReplicated(
  { reply, replicated }: { readonly reply: unknown; readonly replicated: boolean },
  { location, replicas }: RedisEndpoint,
  consequence: string,
): unknown {
  if (replicated) return reply;
  throw new KillSwitchError(
    'STORE_READ_ONLY',
    `Redis at ${location} has written it, but in time fewer than ${replicas} of its replicas had it too. ${consequence}`,
  );
}

/** A change was sent, and no answer came: it may have been appended. */
export const unknownOutcome = (error: unknown, seq: number): KillSwitchError =>
  new KillSwitchError('STORE_UNREACHABLE', `It is not known whether change ${seq} was appended. ${messageOf(error)}`, {
    cause: error,
  });

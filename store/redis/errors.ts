import { isKillSwitchError, KillSwitchError, messageOf, quoteId } from '../../flags/index.ts';
import type { RedisNode } from './address.ts';
import type { RedisEndpoint } from './endpoint.ts';
import type { RedisKeys } from './keys.ts';

/** Error words with which Redis refuses writes, and how to mend each. */
const REFUSALS: Readonly<Record<string, string>> = {
  READONLY: 'it is a replica. Point the URL at the master, or name the Sentinels in `options`',
  MISCONF: 'it cannot write to its disk. Free space or repair the disk, its own log says which',
  OOM: 'its memory is full. Raise maxmemory or remove other data',
  NOREPLICAS: 'too few of its replicas are in reach (min-replicas-to-write). Bring them back',
  NOLIBRARY:
    'it does not have the functions of this version of the switch, or has others under their names, and this user may run no scripts instead. Any command of an operator of this version puts them there, for instance: kill-switch status',
  FULL: 'its list of names of executors is full, so executors of a new name may not act. Any command of an operator takes out unused names, for instance: kill-switch status. Names of executors that ended without leaving stay until those are forgotten (kill-switch executors forget). Give executors names that stay the same over restarts, and those that may be hostile users of their own (kill-switch redis acl)',
};

/** Error words with which Redis refuses a connection, and how to mend each. */
const NOT_LET_IN: Readonly<Record<string, (who: string) => string>> = {
  NOAUTH: () => 'it asks for a password. Put user and password into the URL',
  WRONGPASS: (who) =>
    `it does not accept ${who} with this password, or has no such user, or has switched it off. Correct user or password in the URL; ACL LIST there names the users`,
  NOPASSWORD: () =>
    'it asks for no password, though the URL has one: it may have lost its settings, or be another one. Set requirepass there, or take the password out of the URL',
};

/** Error words of a node that cannot answer at present, and what they mean. The request was not done. */
const PASSING: Readonly<Record<string, string>> = {
  LOADING: 'is still loading its data',
  CLUSTERDOWN: 'is a Cluster that does not serve the keys at present. CLUSTER INFO says what it lacks',
  // An ASK is not followed: the other node answers that keys which have not arrived there do not exist, and that would
  // look like an empty switch.
  ASK: 'is a Cluster in which the slot of the keys is being moved to another node. It goes on when that is done',
  TRYAGAIN: 'is a Cluster in which the slot of the keys is being moved to another node. It goes on when that is done',
};

/** How to mend it where nothing answers, by the system's error code. */
const UNREACHED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: start Redis, or correct host and port',
  ENOTFOUND: 'There is no host of this name: correct it, or look at the DNS',
  EAI_AGAIN: 'The DNS does not answer: correct the name of the host, or try again',
  ENOENT: 'There is no such socket: start Redis, or correct the path',
};

/** Errors of a server that does not understand the first line of our scripts. */
const TOO_OLD = /unexpected symbol near '#'|Unexpected flag in script shebang|Unexpected engine in script shebang/;

/** Errors of ioredis for a connection that ended before the answer came. */
const LOST = /max retries per request|Connection is closed|Stream isn't writeable|Command aborted/;

/**
 * The unchanged message, for recognising an error, never for showing it. `messageOf` leaves out what may be a secret,
 * which may be the text that is looked for.
 */
const rawText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The error word with which Redis begins a message. Three errors have none: an ACL refusal inside a script, a long
 * command before AUTH, and an AUTH where no password is set.
 */
function replyCode(message: string): string {
  if (/executing the script can't|ACL failure in script/.test(message)) return 'NOPERM';
  if (/Protocol error: unauthenticated/.test(message)) return 'NOAUTH';
  if (/without any password configured|but no password is set/.test(message)) return 'NOPASSWORD';
  return /^-?([A-Z]+)\b/.exec(message)?.[1] ?? '';
}

/** The text without the secrets of the endpoint. */
const redact = (text: string, { secrets }: Pick<RedisEndpoint, 'secrets'>): string =>
  secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);

/** True for an error that Redis answered: the request was then not done. After a lost connection it may have been. */
export const isReply = (error: unknown): error is Error & { readonly name: 'ReplyError' } =>
  error instanceof Error && error.name === 'ReplyError';

/** True when the connection ended before the answer came. ioredis has emitted the reason before. */
export const isLost = (error: unknown): boolean => !isReply(error) && LOST.test(rawText(error));

/**
 * The node that holds the keys, where a Cluster answered with its name (MOVED) instead of doing the request. Its host
 * may be empty or `?`, its port 0.
 */
export function movedTo(error: unknown): RedisNode | null {
  const [, host, port] = (isReply(error) && /^MOVED \d+ (.*):(\d+)$/.exec(error.message)) || [];
  return host !== undefined && port !== undefined ? { host, port: Number(port) } : null;
}

/** What to do about an error that passes by itself: ask another node, or wait. Null for any other error. */
export function passing(error: unknown): 'another node may' | 'wait' | null {
  const code = isReply(error) ? replyCode(error.message) : '';
  return code === 'CLUSTERDOWN' ? 'another node may' : Object.hasOwn(PASSING, code) ? 'wait' : null;
}

/** True where Redis refuses this user or this database, and will until a person mends that. */
export const isRefused = (error: unknown): boolean =>
  isKillSwitchError(error)
    ? error.code === 'NOT_PERMITTED'
    : isReply(error) && Object.hasOwn(NOT_LET_IN, replyCode(rawText(error)));

/** True when the server is too old for scripts of Redis 7. */
export const isTooOld = (error: unknown): boolean => isReply(error) && TOO_OLD.test(rawText(error));

/**
 * Name and version of a server, by its answer to INFO. Forks of Redis also name the version of Redis that they are
 * compatible with.
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
 * The error of this package for a failed request. It is always a new one: an error of ioredis carries the command with
 * all its arguments, also the password of AUTH. `server`: what the server says it is, where it was asked. `access`: a
 * refused write is STORE_READ_ONLY, a refused read STORE_UNREACHABLE.
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
      `${at} is a node of a Cluster that names another node for the keys, and none of these answered in time (${message}). Where its nodes have other addresses for this machine, say so in options.natMap; CLUSTER SHARDS says what they call each other.`,
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
 * The error where Redis refuses the URL's database. The connection must not be used then: its requests would go to
 * database 0.
 */
export function refusedDatabase(error: unknown, endpoint: RedisEndpoint): unknown {
  const code = replyCode(rawText(error));
  if (!isReply(error) || (code !== 'NOPERM' && code !== 'ERR')) return error; // no password, or loading
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

/** The error for an answer that this package cannot have stored. */
export const corrupt = (endpoint: RedisEndpoint, what: string, cause?: unknown): KillSwitchError =>
  new KillSwitchError('CORRUPT', `Redis at ${endpoint.location} ${what}`, { cause });

/** The error for a head without its state: an executor that loaded it now would miss every kill. */
export const stateIsGone = (endpoint: RedisEndpoint, { head, log }: RedisKeys): KillSwitchError =>
  corrupt(
    endpoint,
    `holds a head without its state: a part of the switch was deleted. Restore a backup; or give up what there was with DEL ${head} ${log}, and then: kill-switch recover --reason "…"`,
  );

/**
 * The answer of a script that has written.
 * @throws KillSwitchError STORE_READ_ONLY when too few replicas had the write in time; `consequence` ends the message
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

import { invalid, quoteId } from '../../flags/index.ts';
import { escapeId, type RedisKeys, redisKeys } from './keys.ts';

/** One user of Redis, as an ACL file has it after `user`. */
export interface AclUser {
  readonly name: string;
  readonly rules: readonly string[];
}

/** Stands for a password that whoever applies the rules puts there. */
const PASSWORD = '>PASSWORD';

/** What an executor's scripts and requests ask of Redis, and nothing else: no key can be deleted, renamed, trimmed or set. */
const EXECUTOR_COMMANDS = [
  // to be let in, and to hear
  ...['auth', 'ping', 'subscribe', 'unsubscribe', 'wait', 'time'],
  // to read the switch
  ...['get', 'hget', 'hgetall', 'hexists', 'xrange', 'xrevrange'],
  // to report
  ...['eval', 'evalsha', 'hset', 'hdel', 'hlen', 'hrandfield', 'lpos', 'llen', 'lrange', 'rpush', 'incr', 'xadd'],
  // to keep checkpoints
  ...['zadd', 'zcard', 'zpopmin', 'zrem'],
] as const;

/** What is meant literally must mean nothing in a pattern. What `redisKeys` makes of ids means nothing in one; a prefix is a person's. */
const literal = (key: string): string => key.replace(/[*?[\]\\^]/g, '\\$&');

/** Whose keys, under what prefix, in which database. */
export interface AclScope {
  readonly organizationId: string;
  readonly keyPrefix: string;
  readonly db: number;
}

/** Users belong to the whole server, so their names say all that tells switches apart. @throws KillSwitchError INVALID_ARGUMENT */
function scoped({ organizationId, keyPrefix, db }: AclScope): { readonly keys: RedisKeys; readonly user: string } {
  if (/\s/.test(keyPrefix))
    throw invalid(
      `The key prefix ${quoteId(keyPrefix)} has white space, which no rule of Redis can name: choose another.`,
    );
  const user = ['kill-switch', escapeId(organizationId), ...(db === 0 ? [] : [`db${db}`])].join('+');
  return { keys: redisKeys(organizationId, { keyPrefix, db }), user: escapeId(keyPrefix) + user };
}

const permit = (commands: readonly string[], db: number): string[] =>
  [...commands, ...(db === 0 ? [] : [`select|${db}`])].map((command) => `+${command}`);

/** Channels are taken away first: where Redis gives them to all (`acl-pubsub-default allchannels`), it refuses to add one. */
const BEGIN = ['reset', 'resetchannels', 'on', PASSWORD] as const;

/**
 * Who runs executors of one name: may read the switch, and write what is kept under that name, and what all executors share and can only add to. So a beat, a
 * report of a fork or a proposal under a name comes from whoever has that user's password. Checkpoints and plain interventions are shared by all executors.
 */
export function executorUser(scope: AclScope, name: string): AclUser {
  const { keys, user } = scoped(scope);
  const own = `${keys.executorPrefix}${keys.executor(name).escaped}:*`;
  const read = [keys.head, keys.state, keys.log, keys.beatsBefore, keys.surfacesBefore].map(literal);
  const shared = [keys.names, keys.changes, keys.checkpoints, keys.checkpointTimes, keys.interventions].map(literal);
  return {
    name: `${user}+executor+${keys.executor(name).escaped}`,
    rules: [
      ...BEGIN,
      ...read.map((key) => `%R~${key}`),
      `%R~${literal(keys.executorPrefix)}*:forks`,
      `~${literal(own.slice(0, -1))}*`,
      ...shared.map((key) => `~${key}`),
      `&${literal(keys.channel)}`,
      ...permit(EXECUTOR_COMMANDS, scope.db),
    ],
  };
}

/** Who operates one organization: everything under its keys, and nothing of the server itself. */
export function operatorUser(scope: AclScope): AclUser {
  const { keys, user } = scoped(scope);
  return {
    name: `${user}+operator`,
    rules: [
      ...BEGIN,
      `~${literal(keys.head.slice(0, -'head'.length))}*`,
      `&${literal(keys.channel)}`,
      ...['+@read', '+@write', '+@string', '+@hash', '+@stream', '-@dangerous'],
      ...permit(['auth', 'ping', 'subscribe', 'unsubscribe', 'publish', 'eval', 'evalsha', 'wait', 'time'], scope.db),
    ],
  };
}

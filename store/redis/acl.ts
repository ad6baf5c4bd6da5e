import type { RedisKeys } from './keys.ts';

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

const permit = (commands: readonly string[], db: number): string[] =>
  [...commands, ...(db === 0 ? [] : ['select'])].map((command) => `+${command}`);

/**
 * Who runs executors of one name: may read the switch, and write what is kept under that name, and what all executors share and can only add to. So a beat, a
 * report of a fork or a proposal under a name comes from whoever has that user's password. Checkpoints and plain interventions are shared by all executors.
 */
export function executorUser(keys: RedisKeys, name: string, db: number): AclUser {
  const own = `${keys.executorPrefix}${keys.executor(name).escaped}:*`;
  const read = [keys.head, keys.state, keys.log, keys.beatsBefore, keys.surfacesBefore].map(literal);
  const shared = [keys.names, keys.changes, keys.checkpoints, keys.checkpointTimes, keys.interventions].map(literal);
  return {
    name: `kill-switch-executor-${keys.executor(name).escaped}`,
    rules: [
      ...['reset', 'on', PASSWORD],
      ...read.map((key) => `%R~${key}`),
      `%R~${literal(keys.executorPrefix)}*:forks`,
      `~${literal(own.slice(0, -1))}*`,
      ...shared.map((key) => `~${key}`),
      `&${literal(keys.channel)}`,
      ...permit(EXECUTOR_COMMANDS, db),
    ],
  };
}

/** Who operates one organization: everything under its keys, and nothing of the server itself. */
export const operatorUser = (keys: RedisKeys, db: number): AclUser => ({
  name: 'kill-switch-operator',
  rules: [
    ...['reset', 'on', PASSWORD],
    `~${literal(keys.head.slice(0, -'head'.length))}*`,
    `&${literal(keys.channel)}`,
    ...['+@read', '+@write', '+@string', '+@hash', '+@stream', '-@dangerous'],
    ...permit(['auth', 'ping', 'subscribe', 'unsubscribe', 'publish', 'eval', 'evalsha', 'wait', 'time'], db),
  ],
});

import {
  KEPT_KEYS,
  type KeptKey,
  OWN_KEYS,
  type OwnKey,
  RUN_KEYS,
  type RunKey,
  SHARED_KEYS,
  type SharedKey,
} from './keys.ts';
import { rowsOf } from '../../flags/table.ts';

/** What a command does to a key, as Redis' own table of commands says: it reads, writes, or both. */
const COMMANDS = {
  append: 'W',
  eval: 'RW',
  evalsha: 'RW',
  exists: 'R',
  fcall: 'RW',
  fcall_ro: 'R',
  get: 'R',
  getrange: 'R',
  hdel: 'W',
  hexists: 'R',
  hget: 'R',
  hincrby: 'RW',
  hgetall: 'R',
  hkeys: 'R',
  hlen: 'R',
  hmget: 'R',
  hrandfield: 'R',
  hset: 'W',
  hsetnx: 'W',
  hstrlen: 'R',
  incr: 'RW',
  llen: 'R',
  lrange: 'R',
  lrem: 'W',
  ltrim: 'W',
  'memory|usage': 'R',
  persist: 'W',
  pexpire: 'W',
  pttl: 'R',
  rpush: 'W',
  set: 'W',
  strlen: 'R',
  unlink: 'W',
  xadd: 'W',
  xlen: 'R',
  xrange: 'R',
  xrevrange: 'R',
  xtrim: 'W',
  zadd: 'W',
  zcard: 'R',
  zpopmin: 'RW',
  zrange: 'R',
  zrem: 'W',
  zscore: 'R',
} as const;

export type Command = keyof typeof COMMANDS;
/** An archiver is an operator who may also drop the first part of the log. */
export const REDIS_ROLES = ['executor', 'operator', 'viewer', 'archiver'] as const;
export type RedisRole = (typeof REDIS_ROLES)[number];

/**
 * The commands of each role on one key; a role that is not named has none. `archiver`: what it has beyond an operator.
 * `others`: those of executors on the keys of other names.
 */
export type Access = Readonly<Partial<Record<RedisRole, readonly Command[]>>>;
export type OwnAccess = Access & { readonly others?: readonly Command[] };

/**
 * What it takes to declare a key to a script. What the script does with the key needs the permission for each command.
 */
const SCRIPT = ['eval', 'evalsha'] as const;
/** The commands that count and measure a hash, and read it. */
const MEASURED = ['hlen', 'memory|usage', 'hrandfield', 'hstrlen', 'hget'] as const;
/** The same for a stream. */
const NEWEST = ['xlen', 'memory|usage', 'xrevrange'] as const;
/** The commands for keys that expire some time after the last beat under their name. */
const KEPT_FOR = ['pttl', 'pexpire'] as const;

/** Who may do what with the keys that all share. */
export const SHARED_ACCESS: Readonly<Record<SharedKey, Access>> = {
  head: { executor: ['fcall', 'get'], operator: [...SCRIPT, 'get', 'set'], viewer: ['get'] },
  state: {
    executor: ['fcall', 'hexists', 'hget', 'hgetall'],
    operator: [...SCRIPT, 'hexists', 'hget', 'hgetall', 'hmget', 'hlen', 'hset', 'hdel'],
    viewer: ['hexists', 'hget', 'hgetall', 'hmget'],
  },
  log: {
    executor: ['fcall', 'xrange', 'xrevrange'],
    operator: [...SCRIPT, 'xrange', 'xlen', 'xadd'],
    viewer: ['xrange'],
    archiver: ['xtrim', 'xrevrange', 'memory|usage'],
  },
  names: {
    executor: ['fcall', 'getrange', 'strlen', 'append'],
    operator: [...SCRIPT, 'fcall_ro', 'getrange', 'set'],
    viewer: ['fcall_ro', 'getrange'],
  },
  changes: { executor: ['fcall', 'get', 'incr'], operator: [...SCRIPT, 'get', 'incr'] },
  precedence: { operator: [...SCRIPT, 'pttl', 'get', 'set'] },
  attempts: { operator: ['hlen', 'hget', 'hincrby', 'hdel', 'pexpire'] },
  operating: { operator: ['pttl', 'set'], viewer: ['pttl'] },
  journal: {
    executor: ['fcall', 'hsetnx', 'hget', 'hmget'],
    operator: [...SCRIPT, 'hmget', 'hdel'],
    viewer: ['hmget'],
  },
  journalRuns: { executor: ['fcall', 'rpush', 'lrange'], operator: [...SCRIPT, 'lrange', 'lrem'], viewer: ['lrange'] },
  claims: {
    executor: ['fcall', 'hget', 'hsetnx'],
    operator: ['hmget', 'hsetnx', 'hdel'],
    viewer: ['hmget'],
  },
  alerts: { operator: [...SCRIPT, 'hget', 'hmget', 'hset', 'hdel'] },
};

/** Who may do what with the keys of each run. */
export const RUN_ACCESS: Readonly<Record<RunKey, Access>> = {
  journalRun: {
    executor: ['fcall', 'rpush', 'lrange'],
    operator: [...SCRIPT, 'lrange', 'llen', 'ltrim'],
    viewer: ['lrange'],
  },
};

/** Who may do what with the states that are kept for good. */
export const KEPT_ACCESS: Readonly<Record<KeptKey, Access>> = {
  archived: {
    operator: ['hget', 'hgetall'],
    viewer: ['hget', 'hgetall'],
    archiver: [...SCRIPT, 'hlen', 'hset', ...KEPT_FOR, 'persist', 'unlink'],
  },
};

/** Who may do what with the keys of one name of executors. */
export const OWN_ACCESS: Readonly<Record<OwnKey, OwnAccess>> = {
  beats: { executor: ['fcall', 'hset', 'hdel'], operator: [...MEASURED, 'exists', 'hkeys', 'hdel'], viewer: MEASURED },
  surfaces: { executor: ['hset', 'hget', 'hdel'], operator: [...MEASURED, 'exists', 'hdel'], viewer: MEASURED },
  forks: {
    executor: ['fcall', 'exists', 'getrange', 'set'],
    others: ['exists', 'getrange'],
    operator: ['exists', 'strlen', 'getrange', 'unlink'],
    viewer: ['exists', 'getrange'],
  },
  proposals: { executor: ['xadd', ...KEPT_FOR], operator: ['exists', ...NEWEST], viewer: NEWEST },
  interventions: { executor: ['xadd', ...KEPT_FOR], operator: ['exists', ...NEWEST], viewer: NEWEST },
  seen: { executor: ['xadd', ...KEPT_FOR], operator: ['exists', ...NEWEST], viewer: NEWEST },
  notices: { executor: ['xadd', ...KEPT_FOR], operator: ['exists', ...NEWEST], viewer: NEWEST },
  shadow: { executor: ['xadd', ...KEPT_FOR], operator: ['exists', ...NEWEST], viewer: NEWEST },
  journal: {
    executor: ['fcall', 'hsetnx', 'hget', 'hmget'],
    others: ['hget', 'hmget'],
    operator: ['hmget', 'hdel'],
    viewer: ['hmget'],
  },
  checkpoints: { executor: ['fcall', 'hset', 'hget', 'hdel', ...KEPT_FOR], operator: ['exists'] },
  checkpointTimes: { executor: ['fcall', 'zadd', 'zcard', 'zpopmin', 'zrem', ...KEPT_FOR] },
  // No HDEL for executors: what is asked under an id would be exchanged between being shown and being approved.
  approvals: {
    executor: ['fcall', 'hget', 'hsetnx'],
    operator: [...MEASURED, 'exists', 'hdel'],
    viewer: MEASURED,
  },
  // With these executors of other names learn that a request waits, and until when, and nothing of what it is about.
  approvalTimes: {
    executor: ['fcall', 'zadd', 'zcard', 'zscore'],
    others: ['zscore'],
    operator: ['exists', 'zrem'],
  },
  ledger: {
    executor: ['fcall', 'hget', 'hmget', 'hset', 'hdel', 'hlen', 'hrandfield', 'persist', ...KEPT_FOR],
    others: ['hmget'],
    operator: ['exists', ...MEASURED],
    viewer: MEASURED,
  },
  reservation: { executor: ['fcall', 'get', 'set'] },
  stops: {
    executor: ['fcall', 'append', 'getrange', 'strlen'],
    others: ['getrange', 'strlen'],
    operator: ['exists', 'getrange', 'strlen', 'set', 'unlink'],
    viewer: ['getrange', 'strlen'],
  },
};

/** Of these there are several keys, each with an id of its own after a colon. */
const SEVERAL: ReadonlySet<OwnKey> = new Set(['reservation']);

/** The commands of each role that need no key. */
export const KEYLESS: Readonly<Record<RedisRole, readonly string[]>> = {
  executor: ['ping', 'subscribe', 'time', 'wait'],
  operator: ['ping', 'subscribe', 'time', 'wait', 'publish', 'function|list', 'function|load', 'info'],
  viewer: ['ping', 'subscribe', 'time', 'function|list', 'info'],
  archiver: [],
};

/** What a role may in one row of these tables. An archiver also has what an operator has. */
const commandsOf = <T>(rows: Readonly<Partial<Record<RedisRole, readonly T[]>>>, role: RedisRole): readonly T[] =>
  role === 'archiver' ? [...(rows.operator ?? []), ...(rows.archiver ?? [])] : (rows[role] ?? []);

/** The commands of a role that need no key. */
export const keylessOf = (role: RedisRole): readonly string[] => commandsOf(KEYLESS, role);

/** The patterns of keys on which these commands may be used. */
export interface Grant {
  readonly commands: readonly Command[];
  readonly pattern: string;
}

/** All grants of a role; `pattern` makes a key's pattern of its last part. */
export function grantsOf(
  role: RedisRole,
  pattern: { readonly shared: (name: string) => string; readonly own: (name: string, whose: 'own' | 'any') => string },
): Grant[] {
  const shared = rowsOf(SHARED_ACCESS).map(
    ([key, access]): Grant => ({
      commands: commandsOf(access, role),
      pattern: pattern.shared(SHARED_KEYS[key]),
    }),
  );
  const ofRuns = rowsOf(RUN_ACCESS).map(
    ([key, access]): Grant => ({ commands: commandsOf(access, role), pattern: pattern.shared(`${RUN_KEYS[key]}:*`) }),
  );
  const kept = rowsOf(KEPT_ACCESS).map(
    ([key, access]): Grant => ({ commands: commandsOf(access, role), pattern: pattern.shared(`${KEPT_KEYS[key]}:*`) }),
  );
  const own = rowsOf(OWN_ACCESS).flatMap(([key, access]): Grant[] => {
    const name = SEVERAL.has(key) ? `${OWN_KEYS[key]}:*` : OWN_KEYS[key];
    const whose = role === 'executor' ? 'own' : 'any';
    const first = { commands: commandsOf(access, role), pattern: pattern.own(name, whose) };
    return role === 'executor'
      ? [first, { commands: access.others ?? [], pattern: pattern.own(name, 'any') }]
      : [first];
  });
  return [...shared, ...ofRuns, ...kept, ...own];
}

/**
 * The selectors of these grants: each permits some commands on some keys, and nothing is permitted by two of them
 * together.
 *
 * How Redis 7 judges, as test/store/redis/acl.test.ts shows on a real one. A command is permitted when the user's own
 * rules or one selector permit the command with all of its keys. EVAL, EVALSHA and FCALL are such commands, and the
 * keys that are declared to them count as read and written, whatever the script does: so these three have a selector of
 * their own, which permits nothing else on these keys. Inside a script each command is judged again, by all selectors,
 * as if the user had sent it: a script can do no more than its user, whether keys are declared or not; declared ones
 * only make it harder to be called.
 */
export function selectors(grants: readonly Grant[]): string[] {
  const patterns = new Map<Command, Set<string>>();
  for (const { commands, pattern } of grants)
    for (const command of commands) patterns.set(command, (patterns.get(command) ?? new Set()).add(pattern));
  const commands = new Map<string, Command[]>();
  for (const [command, on] of patterns) {
    const keys = [...on].map((pattern) => `${COMMANDS[command] === 'RW' ? '' : `%${COMMANDS[command]}`}~${pattern}`);
    commands.set(keys.join(' '), [...(commands.get(keys.join(' ')) ?? []), command]);
  }
  return [...commands].map(([keys, of]) => `(${of.map((command) => `+${command}`).join(' ')} ${keys})`);
}

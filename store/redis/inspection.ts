import type { Redis } from 'ioredis';
import { z } from 'zod';
import { isKillSwitchError, messageOf } from '../../flags/index.ts';
import type { InspectedUser, Inspection, TakesNone } from '../capabilities/inspection.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { isReply } from './errors.ts';
import type { OperatorParts } from './kept.ts';
import type { RedisKeys } from './keys.ts';
import { SETTLE, sendScript } from './scripts.ts';

const SETTINGS = ['appendfsync', 'save', 'min-replicas-to-write', 'min-replicas-max-lag'];

type Line = readonly [string, ...string[]];

/** Every way to change a key, whatever is in it. */
const changing = (key: string): readonly Line[] => [
  ...[['SET'], ['SETNX'], ['GETSET'], ['APPEND'], ['MSET'], ['MSETNX']].map(([name = '']): Line => [name, key, 'x']),
  ...['DEL', 'UNLINK', 'GETDEL', 'PERSIST'].map((name): Line => [name, key]),
  ...['GETEX', 'MOVE'].map((name): Line => (name === 'MOVE' ? [name, key, '1'] : [name, key, 'PERSIST'])),
  ...['RENAME', 'RENAMENX'].map((name): Line => [name, key, key]),
  ...['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT'].map((name): Line => [name, key, '1']),
  ...['SETEX', 'PSETEX'].map((name): Line => [name, key, '1', 'x']),
  ['SETRANGE', key, '0', 'x'],
  ['SETBIT', key, '0', '1'],
  ['INCR', key],
  ['COPY', key, key],
  ['RESTORE', key, '0', 'x'],
  ['MIGRATE', 'localhost', '1', key, '0', '1'],
  ['SORT', key, 'STORE', key],
  ['BITOP', 'NOT', key, key],
  ...['HSET', 'HSETNX', 'HMSET'].map((name): Line => [name, key, 'x', 'x']),
  ['HINCRBY', key, 'x', '1'],
  ['HDEL', key, 'x'],
  ['XADD', key, '*', 'event', '{}'],
  ['XTRIM', key, 'MAXLEN', '0'],
  ['XDEL', key, '1-1'],
  ['XSETID', key, '1-1'],
  ...['LPUSH', 'RPUSH', 'SADD', 'PFADD'].map((name): Line => [name, key, 'x']),
  ['EVAL', 'return 1', '1', key],
];

/** Whoever may one of these can give authority back, or take the switch away. */
const loosening = (keys: RedisKeys): readonly Line[] => [
  ...[keys.head, keys.state, keys.log].flatMap(changing),
  ['PUBLISH', keys.channel, '{}'],
  ...['LOAD', 'DELETE', 'RESTORE'].map((name): Line => ['FUNCTION', name, 'x']),
  ['FUNCTION', 'FLUSH'],
  ...['FLUSHALL', 'FLUSHDB', 'SHUTDOWN', 'FAILOVER'].map((name): Line => [name]),
  ['SWAPDB', '0', '1'],
  ['CONFIG', 'SET', 'maxmemory', '1'],
  ['ACL', 'SETUSER', 'x'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['SLAVEOF', 'NO', 'ONE'],
  ['MODULE', 'LOAD', 'x'],
  ['DEBUG', 'RELOAD'],
];

/** What this Redis says of itself. What a user may not ask is null. */
export async function inspectRedis(
  { connection, keys }: Pick<OperatorParts, 'connection' | 'keys'>,
  { user }: Pick<RedisEndpoint, 'user'>,
): Promise<Inspection> {
  const takesNone = await connection
    .request({
      access: 'write',
      send: (client) => sendScript(client, { script: SETTLE, keys: [keys.head], args: [] }),
    })
    .then(() => null, refused);
  const { info, config, users } = await connection.request({
    access: 'read',
    send: async (client) => ({
      info: infoOf(await permitted(client.call('INFO'))),
      config: pairsOf(await permitted(client.call('CONFIG', 'GET', ...SETTINGS))),
      users: await usersOf(client, keys),
    }),
  });
  return { takesNone, of: { is: 'redis', user, info, config, users } };
}

function refused(error: unknown): TakesNone {
  return { why: messageOf(error), notPermitted: isKillSwitchError(error) && error.code === 'NOT_PERMITTED' };
}

/** Null where this user may not ask, or this server does not know the question. */
async function permitted(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (isReply(error)) return null;
    throw error;
  }
}

const infoOf = (answer: unknown): ReadonlyMap<string, string> =>
  new Map(
    [...(typeof answer === 'string' ? answer : '').matchAll(/^([\w-]+):(.*?)\r?$/gm)].map(
      ([, field = '', value = '']) => [field, value],
    ),
  );

/** A map as either protocol gives it. */
function pairsOf(answer: unknown): ReadonlyMap<string, string> | null {
  if (answer === null) return null;
  const flat = Array.isArray(answer) ? answer.map(String) : Object.entries(Object(answer)).flat().map(String);
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : [])));
}

const linesSchema = z.array(z.string());

async function usersOf(client: Redis, keys: RedisKeys): Promise<readonly InspectedUser[] | null> {
  const lines = linesSchema.safeParse(await permitted(client.call('ACL', 'LIST')));
  if (!lines.success) return null;
  const users = lines.data.flatMap((line) => {
    const [, name = '', ...rules] = line.split(' ');
    return rules.includes('on') ? [{ name, needsPassword: !rules.includes('nopass') }] : [];
  });
  return Promise.all(
    users.map(async (user) => {
      const tried = await Promise.all(
        loosening(keys).map(async (command) => {
          const answer = await permitted(client.call('ACL', 'DRYRUN', user.name, ...command));
          return answer === 'OK' ? [command.slice(0, 2).join(' ')] : [];
        }),
      );
      return { ...user, may: [...new Set(tried.flat())] };
    }),
  );
}

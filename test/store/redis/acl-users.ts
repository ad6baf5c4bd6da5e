import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { AclUser } from '../../../store/redis/acl.ts';
import { runHere } from '../../operator/cli/command.ts';
import { type RedisOptions, type RedisServer, startRedis, temporaryFolder } from '../../servers/index.ts';

export const DEFAULT_SCOPE = { organizationId: 'default', keyPrefix: '', db: 0 };

/** Applies the rules exactly as they are printed, and returns the URL of that user. */
export async function urlOf(redis: RedisServer, { name, rules }: AclUser): Promise<string> {
  await redis.cli('ACL', 'SETUSER', name, ...rules.map((rule) => (rule === '>PASSWORD' ? '>hunter2' : rule)));
  return redis.url.replace(/\/\/(.*@)?/, `//${encodeURIComponent(name)}:hunter2@`);
}

export type RedisCommand = readonly [string, ...(string | number)[]];

/** Sends commands as that user would by hand; each returns the answer, or the error's text. */
export function asUser(url: string): (command: RedisCommand) => Promise<unknown> {
  const client = new Redis(url, { maxRetriesPerRequest: 0, enableReadyCheck: false });
  onTestFinished(() => client.disconnect());
  return ([name, ...args]) => client.call(name, ...args).catch((error: Error) => `refused: ${error.message}`);
}

export const DENIED = /^refused: .*(NOPERM|ACL failure|can't run this command|can't access)/;

const ADMINISTRATOR = { username: 'root', password: 'toor' };

/**
 * A Redis that was started with the ACL file that the command prints: for executors of these names, operators and
 * viewers, and nobody is `default`. Each has the password `hunter2`; `cli` and `url` are those of an administrator.
 */
export async function startWithAclFile(
  names: readonly string[],
  { config = [] }: Pick<RedisOptions, 'config'> = {},
): Promise<RedisServer & { readonly as: (user: AclUser) => string; readonly administrator: Redis }> {
  const executors = names.flatMap((name) => ['--executor', name]);
  const { code, stdout } = await runHere(['redis', 'acl', '--store', 'redis://127.0.0.1', ...executors]);
  if (code !== 0) throw new Error(`redis acl has printed no file: ${stdout}`);
  const { username, password } = ADMINISTRATOR;
  const file = join(temporaryFolder('acl-file').path, 'users.acl');
  const root = `user ${username} on >${password} ~* &* +@all\n`;
  writeFileSync(file, root + stdout.replaceAll('>PASSWORD', '>hunter2'));
  const redis = await startRedis({ config: [`aclfile ${file}`, ...config], administrator: ADMINISTRATOR });
  const administrator = new Redis({ port: redis.port, ...ADMINISTRATOR, maxRetriesPerRequest: 0 });
  onTestFinished(() => administrator.disconnect());
  const { port } = redis;
  const as = ({ name }: AclUser): string => `redis://${encodeURIComponent(name)}:hunter2@127.0.0.1:${port}`;
  const url = redis.url.replace('//', `//${username}:${password}@`);
  return Object.assign(redis, { as, administrator, url });
}

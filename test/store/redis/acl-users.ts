import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { AclUser } from '../../../store/redis/acl.ts';
import type { RedisServer } from '../../servers/index.ts';

export const DEFAULT_SCOPE = { organizationId: 'default', keyPrefix: '', db: 0 };

/** Applies the rules exactly as they are printed, and returns the URL of that user. */
export async function urlOf(redis: RedisServer, { name, rules }: AclUser): Promise<string> {
  await redis.cli('ACL', 'SETUSER', name, ...rules.map((rule) => (rule === '>PASSWORD' ? '>hunter2' : rule)));
  return redis.url.replace('redis://', `redis://${encodeURIComponent(name)}:hunter2@`);
}

export type RedisCommand = readonly [string, ...(string | number)[]];

/** Sends commands as that user would by hand; each returns the answer, or the error's text. */
export function asUser(url: string): (command: RedisCommand) => Promise<unknown> {
  const client = new Redis(url, { maxRetriesPerRequest: 0, enableReadyCheck: false });
  onTestFinished(() => client.disconnect());
  return ([name, ...args]) => client.call(name, ...args).catch((error: Error) => `refused: ${error.message}`);
}

export const DENIED = /^refused: .*(NOPERM|ACL failure|can't run this command|can't access)/;

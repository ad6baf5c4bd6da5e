import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loosens, serializeEvent } from '../flags/index.ts';
import { filePaths } from '../store/file/paths.ts';
import { redisControlStore } from '../store/redis/control.ts';
import type { RedisServer } from '../test/servers/index.ts';
import type { Switches } from './measurement.ts';
import type { Append } from '../store/ports.ts';
import { logOf } from './operate.ts';

/** Appends that are on their way at once: each expects the head that the one before it makes. */
const AT_ONCE = 500;

/** The same switches in Redis and in folders: one with so many kills, one with none. */
export async function makeSwitches(redis: RedisServer, folder: string, kills: number): Promise<Switches> {
  const folders = { many: join(folder, 'many'), none: join(folder, 'none') };
  await fillRedis(redis, 'many', kills);
  await fillRedis(redis, 'none', 0);
  fillFile(folders.many, 'many', kills);
  fillFile(folders.none, 'none', 0);
  return { kills, redis, folders };
}

/**
 * Puts a log with that many kills into Redis, one append after the other as an operator's process makes them; only the
 * disk is not waited for.
 */
async function fillRedis(redis: RedisServer, organizationId: string, kills: number): Promise<void> {
  const control = redisControlStore({ url: redis.url }).open({ organizationId, requestTimeoutMs: 60_000 });
  await redis.cli('CONFIG', 'SET', 'appendfsync', 'no');
  let sent: Promise<boolean>[] = [];
  const settled = async (): Promise<void> => {
    if ((await Promise.all(sent)).includes(false)) throw new Error('An append of the benchmark was refused.');
    sent = [];
  };
  await control.read(['control']); // connects
  for (const change of logOf(kills)) {
    sent.push(control.append(change));
    // Redis learns a script from its first use, and is asked something else before one that gives authority.
    if (sent.length >= AT_ONCE || change.event.seq === 1 || loosens(change)) await settled();
  }
  await settled();
  await control.close();
  await redis.cli('CONFIG', 'SET', 'appendfsync', 'always');
}

/** The same as the file that a file store would have written. */
function fillFile(directory: string, organizationId: string, kills: number): void {
  const { control, log } = filePaths(directory, organizationId);
  mkdirSync(control, { recursive: true });
  const line = ({ event }: Append): string => `${serializeEvent(event)}\n`;
  writeFileSync(log, [...logOf(kills)].map(line).join(''));
}

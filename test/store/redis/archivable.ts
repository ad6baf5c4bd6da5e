import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { type EntryKey, headSchema, sealEvent, serializeEvent, stateFrom } from '../../../flags/index.ts';
import { type ControlPlane, openControlPlane } from '../../../operator/index.ts';
import { archiverUser, operatorUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { headText } from '../../../store/redis/replies.ts';
import { type RedisOptions, type RedisServer, startRedis, temporaryFolder } from '../../servers/index.ts';
import { DEFAULT_SCOPE, urlOf } from './acl-users.ts';

export const keys = redisKeys('default');

/** An operator of that store, until the test is over. */
export async function planeOf(url: string): Promise<ControlPlane> {
  const control = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'dana' } });
  onTestFinished(() => control.close());
  return control;
}

/** Lets a log grow by so many kills of 600 agents, as operators would over years. */
export async function grow({ port }: Pick<RedisServer, 'port'>, count: number): Promise<void> {
  const client = new Redis({ port, maxRetriesPerRequest: 0 });
  try {
    const head = headSchema.parse(JSON.parse((await client.get(keys.head)) ?? ''));
    const flat = Object.entries(await client.hgetall(keys.state));
    const state = stateFrom(
      flat.map(([key, text]) => [key as EntryKey, JSON.parse(text)] as const),
      head,
    );
    const adding = client.pipeline();
    for (let n = 0; n < count; n += 1) {
      const { hash: prev, epoch } = state;
      const event = sealEvent({
        ...{ seq: epoch + 1, at: new Date(1_767_225_600_000 + epoch).toISOString(), prev },
        ...{ actor: 'unverified:history', type: 'kill', reason: 'as every day' },
        data: { id: `k${epoch}`, target: `agent:a${n % 600}`, mode: 'full_stop', expires_at: null },
      });
      state.take(event);
      adding.xadd(keys.log, `${event.seq}-0`, 'event', serializeEvent(event));
    }
    for (const [key, entry] of state.entries()) adding.hset(keys.state, key, JSON.stringify(entry));
    if (state.head) adding.set(keys.head, headText(state.head));
    for (const [error] of (await adding.exec()) ?? []) if (error) throw error;
  } finally {
    client.disconnect();
  }
}

/** The first event of the log, the number of events there, and all keys of kept states. */
export async function logIn(redis: RedisServer) {
  const [[id]] = (await redis.cli('XRANGE', keys.log, '-', '+', 'COUNT', 1)) as [[string]];
  return {
    first: Number.parseInt(id, 10),
    length: await redis.cli('XLEN', keys.log),
    kept: ((await redis.cli('KEYS', '*:archived:*')) as string[]).map((key) => key.split(':').at(-1) ?? '').sort(),
  };
}

/** A switch in Redis, with a log that can be archived up to `epoch` by the user of an archiver. */
export async function archivable(options: RedisOptions = {}) {
  const redis = await startRedis(options);
  const { path } = temporaryFolder('archive-redis');
  const [archiver, operator] = [
    await urlOf(redis, archiverUser(DEFAULT_SCOPE)),
    await urlOf(redis, operatorUser(DEFAULT_SCOPE)),
  ];
  const control = await planeOf(operator);
  await control.init();
  await grow(redis, 2200);
  return { redis, path, archiver, operator, file: join(path, 'archive.jsonl'), epoch: 1000 };
}

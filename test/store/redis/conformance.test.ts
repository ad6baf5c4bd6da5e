import { join } from 'node:path';
import { beforeAll, describe, test } from 'vitest';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { type StoreHarness, storeConformance } from '../../../testing/store-conformance.ts';
import { hasRedis, type RedisServer, startRedis, temporaryFolder } from '../../servers/index.ts';

describe.skipIf(!hasRedis)('redisStore and redisControlStore', () => {
  let redis: RedisServer;
  let copy = '';
  beforeAll(async () => {
    redis = await startRedis();
  });

  const open = async (): Promise<StoreHarness> => {
    const wipe = async () => void (await redis.cli('FLUSHALL'));
    await wipe();
    const folder = temporaryFolder('redis-conformance');
    return {
      store: redisStore({ url: redis.url, anchor: join(folder.path, 'anchor.json') }),
      controlStore: redisControlStore({ url: redis.url }),
      wipe,
      copy: async () => void (copy = await redis.copyData()),
      restore: () => redis.restart({ fromCopy: copy }),
      async plantBeat({ id, name }, text) {
        const { names, executor } = redisKeys('default');
        const { beats, escaped } = executor(name);
        await redis.cli('APPEND', names, `\n${escaped}\n`);
        await redis.cli('HSET', beats, id, text);
      },
      dispose: async () => folder.remove(),
    };
  };

  for (const { name, run } of storeConformance({ open })) test(name, run);
});

import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test, vi } from 'vitest';
import { expect } from 'vitest';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import type { FaultProxy } from '../../testing/fault-proxy.ts';
import { hasRedis, type RedisServer } from '../servers/index.ts';
import { type Fault, play, Scene, type Subject } from './scene.ts';

interface Place {
  readonly redis: RedisServer;
  readonly proxy: FaultProxy;
  /** A copy of the data as they were before the last change. */
  readonly older: string;
}

const KEY = (name: string): string => `kill-switch:{default}:${name}`;

const infoSays = (redis: RedisServer, section: string, text: RegExp) =>
  vi.waitFor(async () => expect(await redis.cli('INFO', section)).toMatch(text), { timeout: 15_000, interval: 20 });

const UNREACHABLE = /^Redis at redis:.* cannot be reached|The store did not answer/;
const LOST = /(store is empty|store has lost).*kill-switch recover/;

/** Both in one step: in between the key would be gone, which is another fault. */
const wrongType = (name: string): Fault<Place> => ({
  name: `a value of the wrong type under ${name}`,
  cause: 'STORE_CORRUPT',
  says: /WRONGTYPE|changes is no number/,
  begin: ({ redis }) =>
    redis.cli(
      'EVAL',
      `redis.pcall('RENAME', KEYS[1], 'aside'); if ARGV[1] ~= 'state' and ARGV[1] ~= 'log' then redis.call('LPUSH', KEYS[1], 'x') else redis.call('SET', KEYS[1], 'x') end`,
      1,
      KEY(name),
      name,
    ),
  end: ({ redis }) =>
    redis.cli('EVAL', `redis.call('DEL', KEYS[1]); redis.pcall('RENAME', 'aside', KEYS[1])`, 1, KEY(name)),
});

const setConfig =
  (name: string, value: string | number) =>
  ({ redis }: Place) =>
    redis.cli('CONFIG', 'SET', name, value);

const FAULTS: ReadonlyArray<Fault<Place> & { readonly config?: readonly string[] }> = [
  {
    name: 'killed with SIGKILL',
    cause: 'STORE_UNREACHABLE',
    says: UNREACHABLE,
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.restart(),
  },
  {
    name: 'frozen with SIGSTOP',
    cause: 'STORE_UNREACHABLE',
    says: UNREACHABLE,
    begin: ({ redis }) => redis.freeze(),
    end: ({ redis }) => redis.thaw(),
  },
  {
    name: 'cut off by a network that falls silent',
    cause: 'STORE_UNREACHABLE',
    says: UNREACHABLE,
    begin: ({ proxy }) => proxy.stall(),
    end: ({ proxy }) => proxy.resume(),
  },
  {
    name: 'cut off on the way back only',
    cause: 'STORE_UNREACHABLE',
    says: UNREACHABLE,
    begin: ({ proxy }) => proxy.stall('to-client'),
    end: ({ proxy }) => proxy.resume(),
  },
  {
    name: 'refusing connections',
    cause: 'STORE_UNREACHABLE',
    says: UNREACHABLE,
    begin: ({ proxy }) => proxy.refuse(),
    end: ({ proxy }) => proxy.resume(),
  },
  {
    name: 'busy with a script that does not end',
    cause: 'STORE_UNREACHABLE',
    says: UNREACHABLE,
    config: ['busy-reply-threshold 100'],
    begin: async ({ redis }) => {
      redis.cli('EVAL', 'while true do end', 0).catch(() => {});
      await vi.waitFor(() => expect(redis.cli('PING')).rejects.toThrow('BUSY'), { timeout: 5000 });
    },
    end: ({ redis }) => redis.cli('SCRIPT', 'KILL'),
  },
  {
    name: 'restarted empty',
    cause: 'GENERATION_CHANGED',
    says: LOST,
    begin: ({ redis }) => redis.restart({ empty: true }),
    recover: true,
  },
  {
    name: 'restarted from an older copy',
    cause: 'GENERATION_CHANGED',
    says: LOST,
    begin: ({ redis, older }) => redis.restart({ fromCopy: older }),
    recover: true,
  },
  {
    name: 'away for longer than the lease, and back with an older copy: one fault after another',
    cause: 'GENERATION_CHANGED',
    says: LOST,
    begin: async ({ redis, older, executor, observer }) => {
      await redis.kill();
      await Promise.all([executor, observer].map((witness) => witness.stops('STORE_UNREACHABLE')));
      await redis.restart({ fromCopy: older });
    },
    recover: true,
  },
  {
    name: 'emptied with FLUSHALL',
    cause: 'GENERATION_CHANGED',
    says: LOST,
    begin: ({ redis }) => redis.cli('FLUSHALL'),
    recover: true,
  },
  {
    name: 'without its head',
    cause: 'GENERATION_CHANGED',
    says: LOST,
    begin: ({ redis }) => redis.cli('RENAME', KEY('head'), 'aside'),
    end: ({ redis }) => redis.cli('RENAME', 'aside', KEY('head')),
    recover: true,
  },
  ...['head', 'state', 'log', 'executor-names', 'changes'].map(wrongType),
  {
    name: 'with a head that is not JSON',
    cause: 'STORE_CORRUPT',
    says: /is no head/,
    begin: ({ redis }) =>
      redis.cli(
        'EVAL',
        `redis.call('COPY', KEYS[1], 'aside'); redis.call('SET', KEYS[1], '{"epoch":')`,
        1,
        KEY('head'),
      ),
    end: ({ redis }) => redis.cli('RENAME', 'aside', KEY('head')),
  },
  {
    name: 'unable to write to its disk (MISCONF)',
    cause: 'STORE_READ_ONLY',
    says: /MISCONF.*its disk/,
    config: ['appendonly no', 'save 3600 1'],
    begin: async ({ redis }) => {
      mkdirSync(join(redis.dir, 'dump.rdb')); // no file can replace it
      await redis.cli('BGSAVE');
      await infoSays(redis, 'persistence', /rdb_last_bgsave_status:err/);
    },
    end: async ({ redis }) => {
      rmdirSync(join(redis.dir, 'dump.rdb'));
      await redis.cli('BGSAVE');
      await infoSays(redis, 'persistence', /rdb_last_bgsave_status:ok/);
    },
  },
  {
    name: 'out of memory, while a kill gets through',
    cause: 'STORE_READ_ONLY',
    says: /OOM.*memory is full/,
    config: ['maxmemory-policy noeviction'],
    begin: setConfig('maxmemory', '1mb'),
    during: async ({ control }) => {
      await expect(control.setFeature({ name: 'x', stage: 'live', reason: 'y' })).rejects.toMatchObject({
        code: 'STORE_READ_ONLY',
      });
      expect(await control.kill({ target: 'agent:other' })).toMatchObject({ already: false });
    },
    end: setConfig('maxmemory', 0),
  },
  {
    name: 'demoted to a replica',
    cause: 'STORE_READ_ONLY',
    says: /READONLY.*is a replica/,
    begin: ({ redis }) => redis.cli('REPLICAOF', '127.0.0.1', 1),
    end: ({ redis }) => redis.cli('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'without the replicas that it must have',
    cause: 'STORE_READ_ONLY',
    says: /NOREPLICAS/,
    begin: setConfig('min-replicas-to-write', 1),
    end: setConfig('min-replicas-to-write', 0),
  },
];

async function setUp(context: TestContext, config: readonly string[] = []): Promise<Place & Subject> {
  const scene = new Scene(context);
  const redis = await scene.redis({ config });
  const proxy = await scene.proxy(redis.port);
  const control = await scene.live(redisControlStore({ url: redis.url }));
  const older = await redis.copyData();
  const [url, folder] = [`redis://127.0.0.1:${proxy.port}`, scene.folder('anchors')];
  const executor = await scene.executor({ store: redisStore({ url, anchor: join(folder, 'executor') }) });
  const observer = await scene.observer({ store: redisStore({ url }) });
  await scene.seen(control, [executor, observer]);
  const newcomer = () => scene.executor({ store: redisStore({ url }), name: 'newcomer' });
  return { newcomer, older, redis, proxy, control, executor, observer };
}

describe.skipIf(!hasRedis).concurrent('a Redis that is', () => {
  for (const fault of FAULTS) {
    test(fault.name, { timeout: 60_000 }, async (context) => {
      await play(fault, await setUp(context, fault.config));
    });
  }
});

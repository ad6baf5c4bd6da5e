import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { connectExecutor } from '../../../store/connect-executor.ts';
import type { Replica, ReplicaEvent } from '../../../store/replica.ts';
import type { FaultProxy } from '../../../testing/fault-proxy.ts';
import { hasRedis, type RedisServer, startFaultProxy, startRedis, temporaryFolder } from '../../servers/index.ts';
import { kill, openControl } from './harness.ts';

const LEASE = 500;
/** A margin for timers on two busy cores; each decision compares the lease itself. */
const SLACK = 60;
const KEY = (name: string): string => `kill-switch:{default}:${name}`;

const setUp = async (config: readonly string[] = []) => {
  const redis = await startRedis({ config });
  const proxy = await startFaultProxy({ port: redis.port });
  const folder = temporaryFolder('redis-faults');
  onTestFinished(folder.remove);
  const control = await openControlPlane({
    store: redisControlStore({ url: redis.url }),
    operator: { id: 'ann' },
    retryMs: 5000,
  });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const store = redisStore({ url: `redis://127.0.0.1:${proxy.port}`, anchor: join(folder.path, 'anchor') });
  const start = async () => {
    const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: LEASE });
    onTestFinished(() => replica.close());
    const events: ReplicaEvent[] = [];
    replica.on((event) => events.push(event));
    await replica.start();
    return { replica, events };
  };
  return { redis, proxy, control, start, ...(await start()) };
};

const mode = (replica: Replica, agentId = 'x'): string => {
  const reading = replica.reading({ agentId });
  return 'fault' in reading ? reading.fault : reading.mode;
};

interface Fault {
  readonly name: string;
  readonly code: RegExp;
  readonly config?: readonly string[];
  begin(world: { readonly redis: RedisServer; readonly proxy: FaultProxy }): Promise<unknown>;
  end(world: { readonly redis: RedisServer; readonly proxy: FaultProxy }): Promise<unknown>;
  /** The data that come back are not those that were there, so an operator must accept them. */
  readonly recover?: boolean;
}

const wrongType = (name: string): Fault => ({
  name: `a value of the wrong type under ${name}`,
  code: /STORE_CORRUPT/,
  // In one step: without the head the store would be empty for a moment. There may be no report of a fork to rename.
  begin: ({ redis }) =>
    redis.cli('EVAL', `redis.pcall('RENAME', KEYS[1], 'aside') return redis.call('SADD', KEYS[1], 'x')`, 1, KEY(name)),
  end: ({ redis }) =>
    redis.cli(
      'EVAL',
      `return redis.pcall('RENAME', 'aside', KEYS[1]).err and redis.call('DEL', KEYS[1])`,
      1,
      KEY(name),
    ),
});

const FAULTS: readonly Fault[] = [
  {
    name: 'Redis killed',
    code: /STORE_UNREACHABLE/,
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.restart(),
  },
  {
    name: 'Redis frozen',
    code: /STORE_UNREACHABLE/,
    begin: ({ redis }) => redis.freeze(),
    end: ({ redis }) => redis.thaw(),
  },
  {
    name: 'everything silent',
    code: /STORE_UNREACHABLE/,
    begin: async ({ proxy }) => proxy.stall(),
    end: ({ proxy }) => proxy.resume(),
  },
  {
    name: 'answers do not arrive',
    code: /STORE_UNREACHABLE/,
    begin: async ({ proxy }) => proxy.stall('to-client'),
    end: ({ proxy }) => proxy.resume(),
  },
  {
    name: 'connections refused',
    code: /STORE_UNREACHABLE/,
    begin: ({ proxy }) => proxy.refuse(),
    end: ({ proxy }) => proxy.resume(),
  },
  {
    name: 'demoted to a replica',
    code: /STORE_READ_ONLY/,
    begin: ({ redis }) => redis.cli('REPLICAOF', '127.0.0.1', 1),
    end: ({ redis }) => redis.cli('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'no disk (MISCONF)',
    code: /STORE_READ_ONLY/,
    config: ['appendonly no', 'save 3600 1'],
    begin: async ({ redis }) => {
      rmSync(redis.dir, { recursive: true });
      await redis.cli('BGSAVE');
    },
    end: ({ redis }) => redis.cli('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'),
  },
  {
    name: 'memory full',
    code: /STORE_READ_ONLY/,
    begin: ({ redis }) => redis.cli('CONFIG', 'SET', 'maxmemory', '1mb'),
    end: ({ redis }) => redis.cli('CONFIG', 'SET', 'maxmemory', 0),
  },
  {
    name: 'the user may no longer write',
    code: /STORE_READ_ONLY/,
    begin: ({ redis }) => redis.cli('ACL', 'SETUSER', 'default', '-hset'),
    end: ({ redis }) => redis.cli('ACL', 'SETUSER', 'default', '+hset'),
  },
  ...[
    'head',
    'state',
    'log',
    'executor-names',
    'changes',
    'executor:executor:beats',
    'executor:executor:fork-reports',
  ].map(wrongType),
  {
    name: 'FLUSHALL',
    code: /GENERATION_CHANGED/,
    begin: ({ redis }) => redis.cli('FLUSHALL'),
    end: async () => {},
    recover: true,
  },
  {
    name: 'restarted empty',
    code: /GENERATION_CHANGED/,
    begin: ({ redis }) => redis.restart({ empty: true }),
    end: async () => {},
    recover: true,
  },
];

describe.skipIf(!hasRedis)('an executor over a Redis that fails', () => {
  test.each(FAULTS)(
    '$name: stops within the lease, says why, and goes on when the fault ends',
    async ({ code, config, begin, end, recover }) => {
      const world = await setUp(config);
      const { replica, events, control } = world;
      expect(mode(replica)).toBe('live');
      await begin(world);
      const since = performance.now();
      while (replica.fault() === null) {
        expect(performance.now() - since).toBeLessThan(LEASE + SLACK);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await expect.poll(() => mode(replica)).toMatch(code);
      await expect
        .poll(() => events.at(-1))
        .toMatchObject({ type: 'fault', fault: { code: expect.stringMatching(code) } });
      await end(world);
      if (recover) {
        await new Promise((resolve) => setTimeout(resolve, LEASE));
        expect(mode(replica)).toMatch(code);
        await control.recover({ reason: 'test' });
        await expect.poll(() => mode(replica), { timeout: 10_000 }).toBe('draft_only');
        await control.setMode({ mode: 'live', reason: 'test' });
      }
      await expect.poll(() => mode(replica), { timeout: 10_000 }).toBe('live');
      await kill(openControl({ url: world.redis.url }), 'agent:x');
      await expect.poll(() => mode(replica)).toBe('full_stop');
      expect(mode(replica, 'y')).toBe('live');
    },
  );

  test('only the subscriber silent: nothing stops, and a kill arrives with a confirmation', async () => {
    const { proxy, control, replica } = await setUp();
    await expect.poll(() => proxy.connections.filter((connection) => connection.hasSent('SUBSCRIBE'))).toHaveLength(1);
    proxy.stallWhere('SUBSCRIBE');
    const killed = control.kill({ target: 'agent:x' });
    const since = performance.now();
    await expect.poll(() => mode(replica), { interval: 5, timeout: 5000 }).toBe('full_stop');
    expect(performance.now() - since).toBeLessThan(LEASE + SLACK);
    expect(replica.fault()).toBeNull();
    await killed;
  });

  test('restored from an older copy: stops, also after a restart, and so does an executor that never saw the lost change', async () => {
    const { redis, control, replica, start } = await setUp();
    const copy = await redis.copyData();
    await control.kill({ target: 'agent:x' });
    expect(mode(replica)).toBe('full_stop');
    await redis.restart({ fromCopy: copy });
    await expect.poll(() => mode(replica), { timeout: 5000 }).toBe('GENERATION_CHANGED');
    await replica.close();
    const { replica: restarted } = await start(); // with the same anchor
    await expect.poll(() => mode(restarted), { timeout: 5000 }).toBe('GENERATION_CHANGED');
    const { replica: other } = connectExecutor({
      store: redisStore({ url: redis.url }),
      organizationId: 'default',
      leaseMs: LEASE,
    });
    onTestFinished(() => other.close());
    await other.start();
    await expect.poll(() => mode(other), { timeout: 5000 }).toBe('GENERATION_CHANGED');
    await control.recover({ reason: 'test' });
    for (const each of [restarted, other]) await expect.poll(() => mode(each), { timeout: 5000 }).toBe('live');
  });

  test('memory full: executors stop, and a kill is recorded all the same', async () => {
    const { redis, control, replica } = await setUp();
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1mb');
    const { already } = await control.kill({ target: 'agent:x' });
    expect(already).toBe(false);
    expect(mode(replica)).toBe('full_stop'); // pushed
    await expect.poll(() => mode(replica), { timeout: 5000 }).toBe('STORE_READ_ONLY');
    await redis.cli('CONFIG', 'SET', 'maxmemory', 0);
    await expect.poll(() => mode(replica, 'y'), { timeout: 5000 }).toBe('live');
    expect(mode(replica)).toBe('full_stop');
  });
});

import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ExecutorConnection } from '../../../store/ports.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { change } from '../../../testing/store/session.ts';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { charge, heldIn, raceForTheLast, startSpender } from '../spenders.ts';

const keys = redisKeys('default');

describe.skipIf(!hasRedis)('the ledger in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(async () => {
    await redis.cli('FLUSHALL');
    const control = redisControlStore({ url: redis.url }).open({ organizationId: 'default', requestTimeoutMs: 5000 });
    onTestFinished(() => control.close());
    await change(control, 'init', { generation: 'g' });
  });

  const executor = (name: string): ExecutorConnection => {
    const scope = { organizationId: 'default', executorId: name, executorName: name, requestTimeoutMs: 5000 };
    const connection = redisStore({ url: redis.url }).open(scope);
    onTestFinished(() => connection.close());
    return connection;
  };

  test.each([16, 1])(
    'of 16 processes that race under %i names passes exactly as often as there is room',
    async (names) => {
      expect(await raceForTheLast(redis.url, { names })).toBe(142); // 142 × 7 = 994
      expect(await heldIn(executor('look').ledger, 'shared')).toEqual([0, 994]);
    },
    120_000,
  );

  test('counts a process that is killed between reserving and settling in full', async () => {
    const spender = startSpender(redis.url, 'gone', { is: 'hold', amount: 60, limit: 100 });
    await spender.ready;
    spender.go();
    expect(await spender.line(1)).toBe('held');
    await spender.kill();
    const other = executor('other');
    expect(await heldIn(other.ledger, 'shared')).toEqual([0, 60]);
    await other.ledger?.settle('held', { usd: 1 }); // another name's reservation is not its to settle
    expect(await heldIn(other.ledger, 'shared')).toEqual([0, 60]);
    await executor('gone').ledger?.settle('held', { usd: 10 });
    expect(await heldIn(other.ledger, 'shared')).toEqual([10, 0]);
  }, 60_000);

  test('lets no executor take anything off what others have spent', async () => {
    await executor('honest').ledger?.reserve({ id: 'h', charges: [charge('a', 60, 100)] });
    const lie = `-1 ${Date.now()} t -1 0;0 -5000 -9000`;
    await redis.cli('HSET', keys.executor('evil').ledger, 'a', lie);
    await redis.cli('APPEND', keys.names, '\nevil\n');
    const reserved = await executor('other').ledger?.reserve({ id: 'o', charges: [charge('a', 41, 100)] });
    expect(reserved).toMatchObject({ is: 'over', balances: [{ spent: 0, reserved: 60 }] });
    for (const nonsense of ['', 'x', '-1 x t -1 0;0 1 1', `-1 ${Date.now()} t -1 0;0 nan nan`, 'a'.repeat(100_000)]) {
      await redis.cli('HSET', keys.executor('evil').ledger, 'a', nonsense);
      const asked = await executor('other').ledger?.reserve({
        id: `o${nonsense.length}`,
        charges: [charge('a', 41, 100)],
      });
      expect(asked?.is, nonsense.slice(0, 40)).toBe('over');
    }
    await redis.cli('DEL', keys.executor('evil').ledger);
    await redis.cli('SET', keys.executor('evil').ledger, 'no hash');
    expect(await heldIn(executor('other').ledger, 'a')).toEqual([0, 60]);
  });

  test('goes with the windows of its budgets, and stays where one has no end', async () => {
    const { ledger } = executor('pod-1');
    const now = Date.now();
    const day = { is: 'fixed', from: now - 3_600_000, until: now + 3_600_000 } as const;
    await ledger?.reserve({ id: '1', charges: [{ ...charge('d', 1, 9), window: day }] });
    const left = Number(await redis.cli('PTTL', keys.executor('pod-1').ledger));
    expect(left).toBeGreaterThan(86_400_000);
    expect(left).toBeLessThanOrEqual(86_400_000 + 3_600_000);
    await ledger?.reserve({ id: '2', charges: [charge('t', 1, 9)] });
    expect(await redis.cli('PTTL', keys.executor('pod-1').ledger)).toBe(-1);
    await ledger?.reserve({ id: '3', charges: [{ ...charge('d', 1, 9), window: day }] });
    expect(await redis.cli('PTTL', keys.executor('pod-1').ledger)).toBe(-1);
  });

  test('forgets accounts whose window is over, so that a year of runs leaves nothing', async () => {
    const { ledger } = executor('mailer');
    for (let run = 0; run < 300; run += 1)
      await ledger?.reserve({
        id: `r${run}`,
        charges: [{ ...charge(`run ${run}`, 1, 9), window: { is: 'sliding', ms: 1 } }],
      });
    expect(Number(await redis.cli('HLEN', keys.executor('mailer').ledger))).toBeLessThan(120);
  });
});

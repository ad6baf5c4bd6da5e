import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Charge } from '../../../flags/index.ts';
import type { Ledger } from '../../../store/capabilities/ledger.ts';
import { memoryStore } from '../../../store/memory/index.ts';
import type { ExecutorConnection } from '../../../store/ports.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { executorUser } from '../../../store/redis/acl.ts';
import { redisKeys, reservationKey } from '../../../store/redis/keys.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { change } from '../../../testing/store/session.ts';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, DENIED, type RedisCommand, urlOf } from './acl-users.ts';
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
    expect(left).toBeLessThanOrEqual(86_400_000 + 3_600_000 + 120_000);
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

  test('of an executor that is confined to its name takes all that it asks, and nothing that it writes of others', async () => {
    const url = await urlOf(redis, executorUser(DEFAULT_SCOPE, 'mailer'));
    const scope = { organizationId: 'default', executorId: 'm', executorName: 'mailer', requestTimeoutMs: 5000 };
    const { ledger, stops, close } = redisStore({ url }).open(scope);
    onTestFinished(close);
    await executor('other').ledger?.reserve({ id: 'o', charges: [charge('a', 60, 100)] });
    expect(await ledger?.reserve({ id: 'm', charges: [charge('a', 30, 100)] })).toMatchObject({ is: 'reserved' });
    expect(await ledger?.reserve({ id: 'n', charges: [charge('a', 11, 100)] })).toMatchObject({ is: 'over' });
    await ledger?.settle('m', { usd: 20 });
    expect(await heldIn(ledger, 'a')).toEqual([20, 60]);
    const stop = {
      id: 's',
      target: 'run:r',
      epoch: 1,
      by: 'executor',
      name: 'mailer',
      mode: 'paused',
      reason: null,
    } as const;
    await stops?.add(stop);
    expect(await redis.cli('ACL', 'LOG')).toEqual([]);
    const send = asUser(url);
    const [own, other] = [keys.executor('mailer'), keys.executor('other')];
    const tries: readonly RedisCommand[] = [
      ['HSET', other.ledger, 'a', '-1 0 t -1 0;0 0 0'],
      ['HDEL', other.ledger, 'a'],
      ['DEL', other.ledger],
      ['DEL', own.ledger],
      ['SET', reservationKey(other, 'o'), 'closed'],
      ['SET', own.stops, ''],
      ['DEL', own.stops],
      ['UNLINK', own.stops],
      ['APPEND', other.stops, 'x'],
      ['PUBLISH', keys.channel, '{}'],
      ['FCALL', 'kill_switch_settle', 2, other.ledger, reservationKey(other, 'o'), 0, 0, 0],
    ];
    for (const command of tries) expect(await send(command), command.join(' ')).toMatch(DENIED);
    expect(await send(['PUBLISH', keys.stopsChannel, 'stop'])).toBe(0);
    expect(await heldIn(ledger, 'a')).toEqual([20, 60]);
  });

  test('comes to the same as that of a memory, whatever is asked', async () => {
    const memory = memoryStore();
    const scope = { organizationId: 'default', executorId: 'm', executorName: 'mailer', requestTimeoutMs: 5000 };
    const both = [memory.open(scope).ledger, executor('mailer').ledger];
    const windows: readonly Charge['window'][] = [
      { is: 'total', idleMs: null },
      { is: 'total', idleMs: 3_600_000 },
      { is: 'sliding', ms: 86_400_000 },
    ];
    const asked = fc.record({
      do: fc.constantFrom('reserve', 'reserve', 'settle', 'release'),
      id: fc.nat(60),
      amounts: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
      cost: fc.nat(30),
    });
    const [walk = []] = fc.sample(fc.array(asked, { minLength: 400, maxLength: 400 }), 1);
    for (const { id, amounts, cost, do: what } of walk) {
      const charges = amounts.map((amount, i) => ({
        ...charge(`account ${i}`, amount, 300),
        ...{ window: windows[i] ?? { is: 'total', idleMs: null }, warnAt: 200 },
      }));
      const ask = async (ledger: Ledger | null | undefined) => {
        if (what === 'reserve') return ledger?.reserve({ id: `i${id}`, charges });
        return what === 'settle' ? ledger?.settle(`i${id}`, { usd: cost }) : ledger?.release(`i${id}`);
      };
      const answers = await Promise.all(both.map(ask));
      expect(answers[1]).toEqual(answers[0]);
    }
  });

  test('blocks where Redis is gone, takes no writes, or its memory is full, and goes on once that is over', async () => {
    const { ledger } = executor('mailer');
    const spend = async (id: string): Promise<string> => {
      try {
        return (await ledger?.reserve({ id, charges: [charge('a', 1, 100)] }))?.is ?? 'no ledger';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(await spend('1')).toBe('reserved');
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    expect(await spend('2')).toBe('STORE_READ_ONLY');
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '1');
    expect(await spend('3')).toBe('STORE_READ_ONLY');
    await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await redis.freeze();
    const frozen = spend('4');
    expect(await frozen).toBe('STORE_UNREACHABLE');
    await redis.thaw();
    await vi.waitFor(async () => expect(await spend('5')).toBe('reserved'), 10_000);
    const [, reserved] = await heldIn(ledger, 'a');
    expect([2, 3]).toContain(reserved); // the fourth may have arrived all the same
  }, 60_000);
});

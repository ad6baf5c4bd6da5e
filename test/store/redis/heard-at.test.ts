import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Clock } from '../../../flags/index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { connectExecutor } from '../../../store/connect-executor.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { systemClock } from '../../../store/system-clock.ts';
import { hasRedis, startRedis } from '../../servers/index.ts';
import { beat } from './harness.ts';

const HOUR = 3_600_000;
const LEASE_MS = 3000;

/** A clock that shows another time than that of Redis. */
const off =
  (byMs: number): Clock =>
  () => {
    const { mono, wall } = systemClock();
    return { mono, wall: wall + byMs };
  };

async function setUp() {
  const { url, cli } = await startRedis();
  const control = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  const start = async (executorName: string, clock: Clock) => {
    const { replica, reports } = connectExecutor({
      store: redisStore({ url }),
      organizationId: 'default',
      executorName,
      leaseMs: LEASE_MS,
      clock,
    });
    onTestFinished(() => replica.close());
    await replica.start();
    await vi.waitFor(() => expect(replica.fault()).toBeNull(), 10_000);
    return { replica, id: reports.executorId };
  };
  const executors = async () => (await control.status()).executors;
  return { url, cli, control, start, executors };
}

describe.skipIf(!hasRedis)('when an executor was heard', () => {
  test.each([
    ['behind', -HOUR],
    ['ahead', HOUR],
  ])('is told by the clock of Redis: one whose own is an hour %s is not silent, and is waited for', async (_, byMs) => {
    const { control, start, executors } = await setUp();
    const { id } = await start('wrong', off(byMs));
    const [shown] = await executors();
    expect(shown).toMatchObject({ id, state: 'stopped' });
    expect(shown?.problem).toBeUndefined();
    expect(shown?.age_ms).toBeLessThan(LEASE_MS);
    const { acknowledgements } = await control.kill({ target: 'all', waitMs: 20_000 });
    expect(acknowledgements).toMatchObject({ total: 1, drained: 1, silent: 0, executors: [{ id, state: 'stopped' }] });
    const { data } = await control.executors({ since: new Date(Date.now() - HOUR / 2) });
    expect(data).toMatchObject([{ id }]);
  });

  test.each([-HOUR, 0, HOUR])(
    'ends with its lease: one that confirms no more is silent then, with a clock that is %i ms off',
    async (byMs) => {
      const { url, executors } = await setUp();
      const store = redisStore({ url });
      const scope = { organizationId: 'default', executorId: 'x', executorName: 'frozen', requestTimeoutMs: 5000 };
      const executor = store.open(scope);
      onTestFinished(() => executor.close());
      const at = new Date(Date.now() + byMs).toISOString();
      await executor.confirm(beat('x', null, { name: 'frozen', at, lease_ms: LEASE_MS }), 'n');
      const confirmed = performance.now();
      const [first] = await executors();
      const answered = performance.now();
      expect(first?.problem).toBeUndefined();
      if (answered - confirmed < LEASE_MS) expect(first?.state).not.toBe('silent');
      await vi.waitFor(async () => expect(await executors()).toMatchObject([{ id: 'x', state: 'silent' }]), 20_000);
      expect(performance.now() - confirmed).toBeGreaterThan(LEASE_MS - 100);
    },
  );

  test.each([
    ['a text', 'yesterday'],
    ['nothing', null],
    ['no time', 1e300],
    ['a negative number', -1],
    ['a list', [Date.now()]],
    ['in the future', Date.now() + HOUR],
  ])('counts for nothing where it is %s, which a hostile executor has put there', async (_, heard_at) => {
    const { cli, executors, start } = await setUp();
    const { id } = await start('honest', systemClock);
    const text = JSON.stringify({ ...beat('x', null, { name: 'evil', at: new Date().toISOString() }), heard_at });
    await cli('APPEND', redisKeys('default').names, '\nevil\n');
    await cli('HSET', redisKeys('default').executor('evil').beats, 'x', text);
    const shown = await executors();
    expect(shown.find((each) => each.id === 'x')).toMatchObject({
      state: 'silent',
      problem: expect.stringMatching(/heard_at: .* is no time|was given it \d+ ms from now/),
    });
    expect(shown.find((each) => each.id === id)).toMatchObject({ state: 'stopped' });
  });

  test('is not what a beat itself claims: Redis has the last word', async () => {
    const { url, executors } = await setUp();
    const scope = { organizationId: 'default', executorId: 'x', executorName: 'evil', requestTimeoutMs: 5000 };
    const executor = redisStore({ url }).open(scope);
    onTestFinished(() => executor.close());
    const claimed = { ...beat('x', null, { name: 'evil' }), heard_at: Date.now() + HOUR };
    await executor.confirm(claimed, 'n');
    const [shown] = await executors();
    expect(shown?.problem).toBeUndefined();
    expect(shown?.age_ms).toBeLessThan(60_000);
  });

  test('is in a beat of an older version by the executor’s own clock', async () => {
    const { cli, executors } = await setUp();
    const old = (name: string, at: number) => JSON.stringify(beat('x', null, { name, at: new Date(at).toISOString() }));
    for (const [name, at] of [
      ['late', Date.now() - HOUR],
      ['early', Date.now() + HOUR],
    ] as const) {
      await cli('APPEND', redisKeys('default').names, `\n${name}\n`);
      await cli('HSET', redisKeys('default').executor(name).beats, 'x', old(name, at));
    }
    const shown = new Map((await executors()).map((each) => [each.name, each]));
    expect(shown.get('late')).toMatchObject({ state: 'silent' });
    expect(shown.get('late')?.problem).toBeUndefined();
    expect(shown.get('early')).toMatchObject({
      state: 'silent',
      problem: expect.stringMatching(/its clock is .* ahead/),
    });
  });
});

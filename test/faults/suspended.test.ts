import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis } from '../servers/index.ts';
import { DRIVERS } from './drivers.ts';
import { blockedBy, executed, type ExecutorProcess, startExecutorProcess } from './executor-process.ts';
import { Scene } from './scene.ts';

const LEASE_MS = 1000;

/** How many attempts after the first `before` ones were executed. */
const executedAfter = ({ attempts }: ExecutorProcess, before: number): number =>
  attempts.slice(before).filter(executed).length;

/** Suspends it for longer than its lease; all that it had printed before has been read. */
async function suspend(executor: ExecutorProcess): Promise<number> {
  await executor.freeze();
  await sleep(LEASE_MS * 1.2); // the fault itself
  return executor.attempts.length;
}

describe.concurrent.each(DRIVERS)('an executor over a $name store', ({ open }) => {
  test('starts nothing that was killed while it was suspended for longer than its lease', {
    timeout: 60_000,
  }, async (context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const control = await scene.live(store.controlStore);
    const executor = await startExecutorProcess(scene, { store: store.address('a'), leaseMs: LEASE_MS, name: 'a' });
    await executor.until(executed);
    const before = await suspend(executor);
    const { acknowledgements } = await control.kill({ target: 'agent:worker' });
    expect(acknowledgements).toMatchObject({ total: 1, applied: 0, silent: 1 });
    await executor.thaw();
    await executor.until(blockedBy('kill'), before);
    expect(executedAfter(executor, before)).toBe(0);
    await control.revive({ target: 'agent:worker', reason: 'a test' });
    await executor.until(executed, before);
  });

  test('starts nothing that was killed while its event loop was held up for longer than its lease', {
    timeout: 60_000,
  }, async (context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const control = await scene.live(store.controlStore);
    const executor = await startExecutorProcess(scene, { store: store.address('a'), leaseMs: LEASE_MS, name: 'a' });
    await executor.until(executed);
    await executor.holdUp();
    const before = executor.attempts.length;
    await control.kill({ target: 'agent:worker' });
    executor.goOn();
    await executor.until(blockedBy('kill'), before);
    expect(executedAfter(executor, before)).toBe(0);
  });
});

describe.concurrent.each(DRIVERS)('an executor over a $name store, with a long lease', ({ open }) => {
  test.for([-5000, -3_600_000, 3_600_000])(
    'goes on as soon as the store has answered, when its wall clock was stepped by %d ms',
    { timeout: 60_000 },
    async (step, context) => {
      const scene = new Scene(context);
      const store = await open(scene);
      await scene.live(store.controlStore);
      const executor = await startExecutorProcess(scene, { store: store.address('a'), leaseMs: 60_000, name: 'a' });
      await executor.until(executed);
      const before = await executor.stepClock(step);
      await executor.until(blockedBy('STALE'), before);
      await executor.until(executed, before);
      // It tries a hundred times a second, and the next regular confirmation is up to 20 s away.
      const stopped = executor.attempts.slice(before).filter(blockedBy('STALE'));
      expect(stopped.length).toBeLessThan(200);
    },
  );
});

describe.skipIf(!hasRedis).concurrent('an executor that Redis cannot confirm', () => {
  const setUp = async (context: TestContext, leaseMs: number) => {
    const scene = new Scene(context);
    const redis = await scene.redis();
    const proxy = await scene.proxy(redis.port);
    await scene.live(redisControlStore({ url: redis.url }));
    const store = { redis: { url: `redis://127.0.0.1:${proxy.port}` } };
    const executor = await startExecutorProcess(scene, { store, leaseMs, name: 'a' });
    await executor.until(executed);
    return { proxy, executor };
  };

  test('starts nothing after it was suspended for longer than its lease', { timeout: 60_000 }, async (context) => {
    const { proxy, executor } = await setUp(context, LEASE_MS);
    const before = await suspend(executor);
    proxy.stall();
    await executor.thaw();
    await executor.until(blockedBy('STORE_UNREACHABLE'), before);
    await executor.until(blockedBy('STORE_UNREACHABLE'), before + 20);
    expect(executedAfter(executor, before)).toBe(0);
    await proxy.resume();
    await executor.until(executed, before);
  });

  test.for([-3_600_000, 3_600_000])(
    'starts nothing after its wall clock was stepped by %d ms, though its lease is long',
    {
      timeout: 60_000,
    },
    async (step, context) => {
      const { proxy, executor } = await setUp(context, 60_000);
      proxy.stall();
      const before = await executor.stepClock(step);
      await executor.until(blockedBy('STALE'), before);
      await executor.until(blockedBy('STALE'), before + 20);
      expect(executedAfter(executor, before)).toBe(0);
      await executor.stepClock(0); // a lease that has ended stays so
      await executor.until(blockedBy('STALE'), executor.attempts.length + 20);
      expect(executedAfter(executor, before)).toBe(0);
    },
  );
});

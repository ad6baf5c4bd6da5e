import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis } from '../servers/index.ts';
import { heldUpMs, Scene } from './scene.ts';
import { carelessly, LOOK_MS, startExecutor, type Witness } from './witness.ts';

const KEY = (name: string): string => `kill-switch:{default}:${name}`;
const TEST = { timeout: 60_000 };

const stoppedLooks = ({ looks }: Witness, since: number) =>
  looks.filter(({ asked, stopped }) => stopped && asked > since);

describe.skipIf(!hasRedis).concurrent('a fault in a part of Redis', () => {
  test(
    'a subscription that falls silent stops nothing, and a kill arrives with the next confirmation',
    TEST,
    async (context) => {
      const scene = new Scene(context);
      const redis = await scene.redis();
      const proxy = await scene.proxy(redis.port);
      const control = await scene.live(redisControlStore({ url: redis.url }));
      const leaseMs = 3000;
      const url = `redis://127.0.0.1:${proxy.port}`;
      const observer = await scene.observer({ store: redisStore({ url }), leaseMs });
      await observer.goes();
      await vi.waitFor(async () =>
        expect(await redis.cli('PUBSUB', 'NUMSUB', KEY('events'))).toEqual([KEY('events'), 1]),
      );
      expect(proxy.stallWhere('subscribe')).toBe(1);
      const from = performance.now();

      const killed = carelessly(observer.client, { agent_id: 'other' });
      const killing = control.kill({ target: 'agent:other' });
      await vi.waitFor(async () => expect((await control.status()).active_kills).toBe(1), { interval: 5 });
      const recorded = performance.now();
      await vi.waitFor(async () => expect((await killed()).cause).toBe('kill'), { timeout: 20_000, interval: LOOK_MS });
      const tookMs = performance.now() - recorded;
      // There is a confirmation every third of the lease; the rest is a margin for a slow machine.
      expect(tookMs).toBeLessThan(leaseMs / 3 + leaseMs / 6 + 2 * heldUpMs());
      await killing;
      await observer.goes(from + leaseMs); // longer than the lease
      expect(stoppedLooks(observer, from)).toEqual([]);
      expect(
        proxy.connections.filter((connection) => connection.hasSent('subscribe')).every(({ stalled }) => stalled),
      ).toBe(true);
    },
  );

  test('a kill gets through a Redis that is out of memory, long before the lease ends', TEST, async (context) => {
    const scene = new Scene(context);
    const redis = await scene.redis({ config: ['maxmemory-policy noeviction'] });
    const control = await scene.live(redisControlStore({ url: redis.url }));
    const executor = await scene.executor({ store: redisStore({ url: redis.url }), leaseMs: 30_000 });
    await executor.goes();
    await vi.waitFor(async () =>
      expect(await redis.cli('PUBSUB', 'NUMSUB', KEY('events'))).toEqual([KEY('events'), 1]),
    );
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1mb');
    const from = performance.now();
    await control.kill({ target: 'agent:worker' });
    await executor.stops('kill');
    expect(performance.now() - from).toBeLessThan(20_000); // because of the kill, not of the lease
  });

  test.for(['surfaces', 'interventions', 'checkpoints'])(
    'a value of the wrong type under %s, where only reports are kept, stops nothing and raises no alarm',
    TEST,
    async (name, context) => {
      const scene = new Scene(context);
      const redis = await scene.redis();
      const control = await scene.live(redisControlStore({ url: redis.url }));
      const executor = await scene.executor({ store: redisStore({ url: redis.url }), leaseMs: 3000 });
      await executor.goes();
      await redis.cli('DEL', KEY(name));
      await redis.cli('EVAL', `redis.call('DEL', KEYS[1]); redis.call('LPUSH', KEYS[1], 'x')`, 1, KEY(name));
      const from = performance.now();
      await control.kill({ target: 'agent:other' });
      await executor.until('killed', () => executor.killSwitch.check({ agentId: 'other' }).verdict === 'block');
      await executor.goes(from + executor.leaseMs);
      expect(stoppedLooks(executor, from)).toEqual([]);
      expect(executor.events.filter(({ at }) => at > from)).toEqual([]);
    },
  );
});

describe.skipIf(!hasRedis).concurrent('a Redis that is away for less than the lease', () => {
  test.for(['killed and restarted with its data', 'cut off from everybody for a moment'])(
    '%s stops nothing',
    TEST,
    async (what, context) => {
      const scene = new Scene(context);
      const redis = await scene.redis();
      const proxy = await scene.proxy(redis.port);
      const control = await scene.live(redisControlStore({ url: redis.url }));
      const url = `redis://127.0.0.1:${proxy.port}`;
      const executor = await scene.executor({ store: redisStore({ url }), leaseMs: 30_000 });
      await executor.goes();
      const from = performance.now();
      if (what.startsWith('killed')) await redis.restart();
      else expect(proxy.cut()).toBe(2); // its requests and its subscription
      await executor.renew();
      await control.kill({ target: 'agent:other' });
      await executor.until('killed', () => executor.killSwitch.check({ agentId: 'other' }).verdict === 'block');
      expect(stoppedLooks(executor, from)).toEqual([]);
    },
  );

  test('an executor can be closed while Redis hangs', TEST, async (context) => {
    const scene = new Scene(context);
    const redis = await scene.redis();
    const control = await scene.live(redisControlStore({ url: redis.url }));
    const executor = await startExecutor({ store: redisStore({ url: redis.url }), name: 'a' });
    await executor.goes();
    await redis.freeze();
    await executor.stops('STORE_UNREACHABLE'); // with interventions that wait to be written
    const from = performance.now();
    await executor.close();
    expect(performance.now() - from).toBeLessThan(6 * executor.leaseMs);
    expect(executor.killSwitch.check()).toMatchObject({ verdict: 'block', cause: { code: 'CLOSED' } });
    await redis.thaw();
    // Its last message may have arrived after all; if not, it does not count as stopped.
    expect((await control.status()).executors.filter(({ state }) => state !== 'silent')).toEqual([]);
  });
});

describe.concurrent('a fault in a part of a file store', () => {
  test(
    'a folder of executors that is removed is made anew: everybody reports again, and nothing stops',
    TEST,
    async (context) => {
      const scene = new Scene(context);
      const folder = scene.folder('faults');
      const directory = join(folder, 'switch');
      const control = await scene.live(fileControlStore({ directory }));
      const store = fileStore({ directory });
      const executor = await scene.executor({ store, leaseMs: 3000 });
      const observer = await scene.observer({ store, leaseMs: 3000 });
      await Promise.all([executor.goes(), observer.goes()]);
      renameSync(join(directory, 'executors'), join(folder, 'away'));
      const from = performance.now();
      await vi.waitFor(async () => expect((await control.status()).executors).toHaveLength(2), {
        timeout: 20_000,
        interval: 20,
      });
      for (const witness of [executor, observer]) {
        await witness.goes(from + witness.leaseMs);
        expect(stoppedLooks(witness, from)).toEqual([]);
      }
    },
  );
});

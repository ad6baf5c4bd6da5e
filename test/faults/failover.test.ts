import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { KillAnswer } from '../../operator/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import type { FaultProxy } from '../../testing/fault-proxy.ts';
import { hasRedis, type RedisServer } from '../servers/index.ts';
import { heldUpMs, Scene } from './scene.ts';
import { expectStoppedInTime } from './witness.ts';

const LOG = 'kill-switch:{default}:log';
const WAIT = { timeout: 20_000, interval: 20 };

describe.skipIf(!hasRedis)('a failover to a replica that lacks the last kill', () => {
  test('stops executors that had seen the kill at once, and the others by the beats of those, until an operator recovers', {
    timeout: 60_000,
  }, async (context) => {
    const scene = new Scene(context);
    const master = await scene.redis({ config: ['repl-diskless-sync-delay 0'] });
    const replication = await scene.proxy(master.port);
    const replica = await scene.redis({ config: [`replicaof 127.0.0.1 ${replication.port}`] });
    const control = await scene.live(redisControlStore({ url: master.url }));
    await vi.waitFor(async () => expect(await replica.cli('XLEN', LOG)).toBe(2), WAIT);
    const [toSaw, toMissed] = [await scene.proxy(master.port), await scene.proxy(master.port)];
    const anchors = scene.folder('anchors');
    const executor = (name: string, { port }: FaultProxy) =>
      scene.executor({ store: redisStore({ url: `redis://127.0.0.1:${port}`, anchor: join(anchors, name) }), name });
    const [saw, missed] = [await executor('saw', toSaw), await executor('missed', toMissed)];
    await Promise.all([saw.goes(), missed.goes()]);

    replication.stall();
    toMissed.stall();
    await control.kill({ target: 'agent:lost' });
    await saw.until('killed', () => saw.killSwitch.check({ agentId: 'lost' }).verdict === 'block');
    await master.kill();
    await replication.stop();
    await replica.cli('REPLICAOF', 'NO', 'ONE');

    /** From now on the address of the master leads to another server. */
    const moveTo = async (proxy: FaultProxy, { port }: RedisServer): Promise<void> => {
      await proxy.stop();
      await scene.proxy(port, proxy.port);
    };
    const promoted = await scene.control(redisControlStore({ url: replica.url }));
    await moveTo(toMissed, replica);
    await missed.goes(performance.now()); // nothing contradicts what it saw
    expect((await promoted.status()).forks).toEqual([]);

    await moveTo(toSaw, replica);
    await saw.stops('GENERATION_CHANGED');
    await vi.waitFor(async () => expect((await promoted.status()).forks).toMatchObject([{ executor: 'saw' }]), WAIT);
    const from = performance.now();
    await missed.stops('GENERATION_CHANGED');
    await missed.stops('GENERATION_CHANGED', from + missed.leaseMs);
    expectStoppedInTime(missed, { from, to: performance.now(), heldUpMs: heldUpMs() });

    const { given_up } = await promoted.recover({ reason: 'looked at it' });
    expect(given_up).toMatchObject([{ epoch: 3 }]);
    // the lost change is not restored, and the answer above says that there was one
    expect((await promoted.kills()).data).toEqual([]);
    const recovered = performance.now();
    await Promise.all([saw.goes(recovered), missed.goes(recovered)]);
  });
});

describe.skipIf(!hasRedis)('a failover by Sentinel, under load', () => {
  test.for([
    ['the replica has every kill', false],
    ['the replica has stopped to follow', true],
  ] as const)(
    'loses no kill that was replicated, and one that was not is a fork: %s',
    { timeout: 90_000 },
    async ([, cutOff], context) => {
      const scene = new Scene(context);
      const master = await scene.redis({ config: ['repl-diskless-sync-delay 0'] });
      const replication = await scene.proxy(master.port);
      const replica = await scene.redis({ config: [`replicaof 127.0.0.1 ${replication.port}`] });
      const online = /slave0:.*state=online,offset=[1-9].*lag=[01]\b/;
      await vi.waitFor(async () => expect(await master.cli('INFO', 'replication')).toMatch(online), WAIT);
      const sentinel = await scene.redis({
        args: ['--sentinel'],
        config: [
          `sentinel monitor shop 127.0.0.1 ${master.port} 1`,
          'sentinel down-after-milliseconds shop 500',
          'sentinel failover-timeout shop 60000', // also how long a replica may name another master than Sentinel does
        ],
      });
      await vi.waitFor(async () => expect(await sentinel.cli('SENTINEL', 'REPLICAS', 'shop')).toHaveLength(1), WAIT);
      const url = `redis://shop?sentinels=127.0.0.1:${sentinel.port}`;
      const control = await scene.live(redisControlStore({ url }));
      const anchor = join(scene.folder('anchors'), 'saw');
      const executor = await scene.executor({ store: redisStore({ url, anchor }), name: 'saw' });
      await executor.goes();

      const answers: KillAnswer[] = [];
      const stopMany = async (of: string): Promise<void> => {
        const targets = Array.from({ length: 25 }, (_each, index) => `agent:${of}-${index}`);
        answers.push(...(await Promise.all(targets.map((target) => control.kill({ target })))));
      };
      await stopMany('first');
      if (cutOff) replication.stall();
      await stopMany('last');
      await executor.until('killed', () => executor.killSwitch.check({ agentId: 'last-24' }).verdict === 'block');
      await master.kill();
      await vi.waitFor(async () => expect(((await replica.cli('ROLE')) as unknown[])[0]).toBe('master'), WAIT);

      const promoted = await scene.control(redisControlStore({ url }));
      const kept = new Set((await promoted.kills()).data.map(({ target }) => target));
      const lost = answers.filter(({ kill }) => !kept.has(kill.target));
      // What was answered decides: `replicated` is a promise, and without it nothing is.
      expect(lost.filter(({ replicated }) => replicated !== 0)).toEqual([]);
      expect(answers.map(({ replicas }) => replicas)).toEqual(answers.map(() => 1));
      expect(answers.filter(({ replicated }) => replicated === 1)).toHaveLength(cutOff ? 25 : 50);
      expect(lost).toHaveLength(cutOff ? 25 : 0);
      if (lost.length === 0) {
        await executor.goes(performance.now());
        expect((await promoted.status()).forks).toEqual([]);
        return;
      }
      await executor.stops('GENERATION_CHANGED');
      await vi.waitFor(async () => expect((await promoted.status()).forks).toMatchObject([{ executor: 'saw' }]), WAIT);
      const from = performance.now();
      await executor.stops('GENERATION_CHANGED', from + executor.leaseMs);
      const { given_up } = await promoted.recover({ reason: 'looked at it' });
      expect(given_up[0]?.epoch).toBe(answers.at(-1)?.epoch);
      await executor.goes(performance.now());
    },
  );
});

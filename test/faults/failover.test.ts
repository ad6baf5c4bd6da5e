import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
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

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { ControlPlane } from '../../operator/index.ts';
import { DRIVERS, openStore } from './drivers.ts';
import { blockedBy, executed, startExecutorProcess } from './executor-process.ts';
import { Scene } from './scene.ts';

const TEST = { timeout: 60_000 };

const forksOf = (control: ControlPlane, count: number): Promise<void> =>
  vi.waitFor(async () => expect((await control.status()).forks).toHaveLength(count), { timeout: 20_000, interval: 20 });

const goLive = async (control: ControlPlane): Promise<void> => {
  await control.setMode({ mode: 'live', reason: 'a test' });
};

describe.concurrent.each(DRIVERS)('changes that a $name store has lost', ({ open }) => {
  test(
    'a restarted executor with its anchor refuses a restored copy, until an operator recovers it',
    TEST,
    async (context) => {
      const scene = new Scene(context);
      const store = await open(scene);
      const control = await scene.live(store.controlStore);
      await store.copy();
      const first = await scene.executor({ store: openStore(store.address('a')), name: 'a' });
      await first.goes();
      await scene.seen(control, [first]);
      await first.close();
      await store.restore();

      const again = await scene.executor({ store: openStore(store.address('a')), name: 'a' });
      await again.stops('GENERATION_CHANGED');
      expect(again.starts).toEqual([]);
      const elsewhere = await startExecutorProcess(scene, { store: store.address('a'), leaseMs: 1000, name: 'a' });
      await elsewhere.until(blockedBy('GENERATION_CHANGED'));
      expect(elsewhere.attempts.filter(executed)).toEqual([]);

      await forksOf(control, 2);
      await control.recover({ reason: 'looked at it' });
      await Promise.all([again.goes(performance.now()), elsewhere.until(executed)]);
    },
  );

  test('an executor that never saw the lost kill learns of it from the others’ beats', TEST, async (context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const control = await scene.live(store.controlStore);
    await store.copy();
    const saw = await scene.executor({ store: openStore(store.address('saw')), name: 'saw' });
    const asleep = await startExecutorProcess(scene, { store: store.address('asleep'), leaseMs: 1000, name: 'asleep' });
    await Promise.all([saw.goes(), asleep.until(executed)]);
    await asleep.freeze();
    await control.kill({ target: 'agent:lost' });
    await saw.until('killed', () => saw.killSwitch.check({ agentId: 'lost' }).verdict === 'block');
    await store.restore();
    await forksOf(control, 1);

    const newcomer = await scene.observer({ store: openStore(store.address('newcomer')) });
    await newcomer.stops('GENERATION_CHANGED');
    expect(newcomer.looks.filter(({ stopped }) => !stopped)).toEqual([]);
    const before = asleep.attempts.length;
    await asleep.thaw();
    await asleep.until(blockedBy('GENERATION_CHANGED'), before);

    await control.recover({ reason: 'looked at it' });
    const recovered = performance.now();
    await Promise.all([saw.goes(recovered), newcomer.goes(recovered), asleep.until(executed, before)]);
  });

  test('init instead of recover is refused while executors are known', TEST, async (context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const control = await scene.live(store.controlStore);
    const executor = await scene.executor({ store: openStore(store.address('a')), name: 'a' });
    await executor.goes();
    await store.wipe();
    await executor.stops('GENERATION_CHANGED');
    await vi.waitFor(() => expect(control.init()).rejects.toMatchObject({ code: 'RECOVER_REQUIRED' }));
    await expect(control.kill({ target: 'all' })).rejects.toMatchObject({ code: 'NOT_INITIALISED' });
    const { given_up } = await control.recover({ reason: 'looked at it' });
    expect(given_up).toMatchObject([{ epoch: 2 }]);
    await goLive(control);
    await executor.goes(performance.now());
  });

  const BEGINNINGS = [
    ['an init by an operator who knows of no executors', 'wipe'],
    ['an init after the place itself was removed', 'remove'],
  ] as const;
  test.for(BEGINNINGS)('all executors refuse %s', TEST, async ([, how], context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const control = await scene.live(store.controlStore);
    const asleep = await startExecutorProcess(scene, { store: store.address('asleep'), leaseMs: 1000, name: 'asleep' });
    await asleep.until(executed);
    await asleep.freeze();
    await store[how]();
    const somebody = await scene.live(store.controlStore);
    const before = asleep.attempts.length;
    await asleep.thaw();
    await asleep.until(blockedBy('GENERATION_CHANGED'), before);
    const restarted = await startExecutorProcess(scene, {
      store: store.address('asleep'),
      leaseMs: 1000,
      name: 'asleep',
    });
    // This one has only an anchor of which the store knows no generation: it may be another store's, so it proves
    // nothing.
    await restarted.until(blockedBy('ANCHOR_FOREIGN'));
    expect(restarted.attempts.filter(executed)).toEqual([]);
    // Its report of a log that this store does not know stops nobody else, but is shown.
    await vi.waitFor(
      async () =>
        expect((await somebody.status()).ignored_forks).toEqual([
          { executor: 'asleep', why: 'it names a generation that this store does not know' },
        ]),
      { timeout: 20_000, interval: 20 },
    );
    await control.recover({ reason: 'looked at it' });
    await Promise.all([asleep.until(executed, asleep.attempts.length), restarted.until(executed)]);
  });

  test('an executor that cannot write its anchor stops, until it can', TEST, async (context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const control = await scene.live(store.controlStore);
    const executor = await scene.executor({ store: openStore(store.address('a')), name: 'a' });
    await executor.goes();
    renameSync(store.anchors, `${store.anchors}.away`);
    writeFileSync(store.anchors, '');
    await control.kill({ target: 'agent:other' });
    await executor.stops('ANCHOR_UNUSABLE');
    expect(executor.events.at(-1)).toMatchObject({ type: 'ERROR', message: expect.stringContaining(store.anchors) });
    expect(executor.killSwitch.check({ agentId: 'other' }).verdict).toBe('block');
    rmSync(store.anchors);
    await executor.goes(performance.now());
    await executor.told('READY', 0);
    await executor.close();

    const anchor = join(store.anchors, 'a');
    expect(existsSync(anchor)).toBe(true);
    writeFileSync(anchor, '{"head":');
    const again = await scene.executor({ store: openStore(store.address('a')), name: 'a' });
    await again.stops('ANCHOR_UNUSABLE');
    expect(again.starts).toEqual([]);
    rmSync(anchor); // an operator's word that the store is to be taken as it is
    await again.goes(performance.now());
    expect(again.killSwitch.check({ agentId: 'other' })).toMatchObject({ cause: { kind: 'kill' } });
  });
});

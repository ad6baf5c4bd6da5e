import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ExecutorStore } from '../../store/ports.ts';
import { DRIVERS, type LosingStore, openStore } from './drivers.ts';
import { Scene } from './scene.ts';

const TEST = { timeout: 60_000 };

/** The store for an executor that keeps its anchor in this file. */
function withAnchor(store: LosingStore, anchor: string): ExecutorStore {
  const address = store.address('unused');
  return openStore(
    'redis' in address ? { redis: { ...address.redis, anchor } } : { file: { ...address.file, anchor } },
  );
}

const anchorOf = (store: LosingStore, name: string): string => join(store.anchors, name);

describe.concurrent.each(DRIVERS)('an anchor of another control plane, on a $name store', ({ open }) => {
  test('copied from staging to production it stops its own executor, and no other', TEST, async (context) => {
    const scene = new Scene(context);
    const [staging, production] = [await open(scene), await open(scene)];
    const [stagingControl, control] = [
      await scene.live(staging.controlStore),
      await scene.live(production.controlStore),
    ];
    const inStaging = await scene.executor({ store: openStore(staging.address('a')), name: 'a' });
    await inStaging.goes();
    await scene.seen(stagingControl, [inStaging]);
    await inStaging.close();
    const innocent = await scene.executor({ store: openStore(production.address('innocent')), name: 'innocent' });
    await innocent.goes();
    const from = performance.now();

    const carried = anchorOf(production, 'a');
    mkdirSync(dirname(carried), { recursive: true });
    copyFileSync(anchorOf(staging, 'a'), carried);
    const before = readFileSync(carried, 'utf8');
    const moved = await scene.executor({ store: openStore(production.address('a')), name: 'a' });
    await moved.stops('ANCHOR_FOREIGN');
    const message = moved.looks.at(-1)?.message;
    const { first_generation } = JSON.parse(before) as { first_generation: string };
    expect(message).toContain(carried);
    expect(message).toContain(first_generation);
    expect(message).toMatch(/remove it/);
    // Kills still reach everybody, also after several confirmations.
    await control.kill({ target: 'agent:other' });
    const later = performance.now() + 2 * moved.leaseMs;
    await Promise.all([moved.stops('ANCHOR_FOREIGN', later), innocent.goes(later)]);
    expect(moved.starts).toEqual([]);
    // On a slow machine its lease may lapse; but no report of another stops it.
    expect(innocent.looks.filter(({ asked, stopped, cause }) => stopped && asked > from && cause !== 'STALE')).toEqual(
      [],
    );
    expect(new Set(moved.looks.filter(({ asked }) => asked > later - moved.leaseMs).map(({ cause }) => cause))).toEqual(
      new Set(['ANCHOR_FOREIGN']),
    );
    const { forks } = await control.status();
    expect(forks).toEqual([]);
    expect(readFileSync(carried, 'utf8')).toBe(before);

    rmSync(carried); // this accepts the store as it is
    await moved.goes(performance.now());
    expect(moved.killSwitch.check({ agentId: 'other' })).toMatchObject({ cause: { kind: 'kill' } });
  });

  test('as one file for two organisations it stops only the second one', TEST, async (context) => {
    const scene = new Scene(context);
    const store = await open(scene);
    const controls = [await scene.live(store.controlStore, 'one'), await scene.live(store.controlStore, 'two')];
    const anchor = anchorOf(store, 'shared');
    const start = (organizationId: string) =>
      scene.executor({ store: withAnchor(store, anchor), name: organizationId, organizationId });
    const one = await start('one');
    await one.goes();
    const two = await start('two');
    await two.stops('ANCHOR_FOREIGN');
    expect(two.looks.at(-1)?.message).toMatch(/"one".*"two"/);
    const later = performance.now() + 2 * two.leaseMs;
    await Promise.all([one.goes(later), two.stops('ANCHOR_FOREIGN', later)]);
    for (const control of controls) expect((await control.status()).forks).toEqual([]);
    await one.close();
    const again = await start('one');
    await again.goes();
    expect(two.starts).toEqual([]);
  });

  test(
    'as one file for two executors that began without an anchor it stops only the later one',
    TEST,
    async (context) => {
      const scene = new Scene(context);
      const store = await open(scene);
      await scene.live(store.controlStore, 'one');
      const anchor = anchorOf(store, 'shared');
      const two = await scene.executor({ store: withAnchor(store, anchor), name: 'two', organizationId: 'two' });
      await two.stops('NOT_INITIALISED');
      const one = await scene.executor({ store: withAnchor(store, anchor), name: 'one', organizationId: 'one' });
      await one.goes();
      await scene.live(store.controlStore, 'two');
      await two.stops('ANCHOR_FOREIGN');
      expect(JSON.parse(readFileSync(anchor, 'utf8'))).toMatchObject({ organization_id: 'one' });
      expect(two.starts).toEqual([]);
      rmSync(anchor);
      await two.goes(performance.now());
    },
  );

  test('brought to a store that is not initialised yet it stops no other executor', TEST, async (context) => {
    const scene = new Scene(context);
    const [staging, production] = [await open(scene), await open(scene)];
    await scene.live(staging.controlStore);
    const inStaging = await scene.executor({ store: openStore(staging.address('a')), name: 'a' });
    await inStaging.goes();
    await inStaging.close();
    const store = withAnchor(production, anchorOf(staging, 'a'));
    const early = await scene.executor({ store, name: 'early' });
    await early.stops('GENERATION_CHANGED'); // as far as this executor can tell, the store was wiped
    await early.close();
    await scene.live(production.controlStore);
    const late = await scene.executor({ store, name: 'late' });
    await late.stops('ANCHOR_FOREIGN');
    const innocent = await scene.executor({ store: openStore(production.address('innocent')), name: 'innocent' });
    await innocent.goes();
    expect(late.starts).toEqual([]);
  });
});

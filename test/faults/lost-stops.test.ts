import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

interface Place {
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
  /** Takes away what executors have stopped, as a failover or an older backup does. */
  readonly lose: () => Promise<void>;
}

const inFiles = async (): Promise<Place> => {
  const directory = join(temporaryFolder('lost-stops').path, 'switch');
  return {
    ...{ store: fileStore({ directory }), controlStore: fileControlStore({ directory }) },
    lose: async () => rmSync(join(directory, 'executors', 'default', 'stops'), { recursive: true }),
  };
};

const inRedis = async (): Promise<Place> => {
  const { url } = await startRedis();
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  return {
    ...{ store: redisStore({ url }), controlStore: redisControlStore({ url }) },
    async lose() {
      const keys = await client.keys('*:stops');
      expect(keys).toHaveLength(1);
      await client.del(...keys);
      // After a failover everybody connects anew.
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
  };
};

const places: Array<[string, () => Promise<Place>]> = [['files', inFiles]];
if (hasRedis) places.push(['Redis', inRedis]);

describe.each(places)('a stop that is lost again in %s', (_name, open) => {
  test('is put there once more by its executor, so that it stops the others and a person can lift it', {
    timeout: 90_000,
  }, async () => {
    const { store, controlStore, lose } = await open();
    const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
    onTestFinished(() => control.close());
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    await control.setTripwire({ name: 'repeats', limit: 2 });
    const killSwitch = await createKillSwitch({ store, agentId: 'x', domain: crypto.randomUUID(), leaseMs: 1500 });
    onTestFinished(() => killSwitch.close());
    const search = killSwitch.action({ name: 'web.search', execute: () => 1 });
    const attempt = () => killSwitch.run({ runId: 'r-1' }, () => search.attempt({ q: 'same' }));
    for (const status of ['executed', 'executed', 'paused']) expect(await attempt()).toMatchObject({ status });
    const stops = async () => (await control.status()).stops.map(({ target }) => target);
    expect(await stops()).toEqual(['run:r-1']);
    await lose();
    // The connection of the operator may be lost, too.
    const isBack = () =>
      stops().then(
        (found) => found.includes('run:r-1'),
        () => false,
      );
    await vi.waitUntil(isBack, { timeout: 40_000, interval: 100 });

    await control.revive({ target: 'run:r-1', reason: 'it was meant' });
    await vi.waitUntil(() => killSwitch.check({ runId: 'r-1' }).mode === 'live', { timeout: 20_000 });
    expect(await attempt()).toMatchObject({ status: 'executed' });
  });
});

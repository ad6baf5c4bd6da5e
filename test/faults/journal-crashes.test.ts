import { fork } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createKillSwitch, type GuardedAction, isKillSwitchError, type KillSwitch } from '../../index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** Where a process dies; `intending` and `ending`: some milliseconds after it has asked the store, answered or not. */
const STEPS = [
  'not intended',
  'intending',
  'intended',
  'executing',
  'executed',
  'not ended',
  'ending',
  'ended',
] as const;

/** How often a process dies in each store; `JOURNAL_ROUNDS=500 npx vitest run test/faults/journal-crashes.test.ts`. */
const ROUNDS = Number(process.env['JOURNAL_ROUNDS'] ?? STEPS.length);

interface Place {
  readonly url: string;
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
}

const inFiles = async (): Promise<Place> => {
  const directory = join(temporaryFolder('journal-crashes').path, 'switch');
  return {
    url: `file:${directory}`,
    store: fileStore({ directory }),
    controlStore: fileControlStore({ directory }),
  };
};
const inRedis = async (): Promise<Place> => {
  const { url } = await startRedis();
  return { url, store: redisStore({ url }), controlStore: redisControlStore({ url }) };
};

/** A run is known from its first intent on. */
const notYet = (error: unknown): { readonly entries: readonly never[] } => {
  if (isKillSwitchError(error) && error.code === 'NOT_FOUND') return { entries: [] };
  throw error;
};

const places: Array<[string, () => Promise<Place>]> = [['files', inFiles]];
if (hasRedis) places.push(['Redis', inRedis]);

describe.each(places)('a process that dies while an effect is journaled in %s', (_name, open) => {
  let place: Place;
  let control: ControlPlane;
  let second: KillSwitch;
  let effect: GuardedAction<{ of: string }, { changed: string }>;
  let effects = '';

  const timesOf = (key: string): number =>
    existsSync(effects)
      ? readFileSync(effects, 'utf8')
          .split('\n')
          .filter((line) => line === key).length
      : 0;

  beforeAll(async () => {
    place = await open();
    effects = join(temporaryFolder('journal-effects').path, 'effects.txt');
    control = await openControlPlane({ store: place.controlStore, operator: { id: 'ann' } });
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    const executor = { name: 'second' };
    second = await createKillSwitch({ store: place.store, domain: randomUUID(), executor, agentId: 'x' });
    effect = second.action({
      name: 'world.change',
      reverse: { action: 'world.restore', input: (result) => result },
      async execute({ of }) {
        writeFileSync(effects, `${of}\n`, { flag: 'a' });
        return { changed: of };
      },
    });
    await vi.waitUntil(() => second.check({ agentId: 'x' }).verdict === 'allow');
  });
  afterAll(async () => {
    await second?.close();
    await control?.close();
  });

  /** One process that dies at this step; resolves to what it has said before. */
  async function run(key: string, more: object): Promise<{ readonly said: readonly Record<string, unknown>[] }> {
    const asked = { url: place.url, key, runId: `run-${key}`, effects, name: 'first', ...more };
    const child = fork(join(import.meta.dirname, 'journal-worker.mjs'), [JSON.stringify(asked)], { stdio: 'inherit' });
    const said: Record<string, unknown>[] = [];
    child.on('message', (message: Record<string, unknown>) => said.push(message));
    await once(child, 'exit');
    return { said };
  }

  test(`at any step, ${ROUNDS} times: nothing runs twice, nothing landed is lost, nothing unknown is called anything else`, {
    timeout: 60_000 + ROUNDS * 10_000,
  }, async () => {
    const met = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const dies = STEPS[round % STEPS.length];
      const key = `${round}-${randomUUID()}`;
      const { said } = await run(key, { dies, afterMs: randomInt(0, 4) });
      const before = timesOf(key);
      expect(before, key).toBeLessThanOrEqual(1);
      const { entries } = await control.run(`run-${key}`).catch(notYet);
      expect(entries.length).toBeLessThanOrEqual(1);
      const shown = entries[0]?.state ?? 'none';
      const state = shown === 'in_flight' ? 'unknown' : shown; // until the lease of who has died is over
      met.add(state);
      if (before > 0) expect(['landed', 'unknown'], `${dies}: what has landed is lost`).toContain(state);
      else expect(['unknown', 'none'], `${dies}: what has not landed is called landed`).toContain(state);
      if (dies === 'ended' || said.some(({ status }) => status === 'executed')) expect(state).toBe('landed');

      const again = await effect.attempt({ of: key }, { idempotencyKey: key });
      const after = timesOf(key);
      expect(after, `${dies}: ran ${after} times`).toBeLessThanOrEqual(1);
      if (state === 'landed')
        expect(again).toMatchObject({ status: 'executed', repeated: true, result: { changed: key } });
      if (state === 'unknown') expect(again).toMatchObject({ status: 'aborted', landed: 'unknown' });
      if (state === 'none') expect([again.status, after]).toEqual(['executed', 1]);
      if (state !== 'none') expect(after).toBe(before);
    }
    expect([...met]).toEqual(expect.arrayContaining(['landed', 'unknown']));
  });

  test('two processes that get one job at once do it once', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 3; round += 1) {
      const key = `race-${round}-${randomUUID()}`;
      const outcomes = await Promise.all([
        run(key, { name: 'first' }),
        run(key, { name: 'third' }),
        effect.attempt({ of: key }, { idempotencyKey: key }),
      ]);
      expect(timesOf(key), JSON.stringify(outcomes)).toBe(1);
      expect(await effect.attempt({ of: key }, { idempotencyKey: key })).toMatchObject({
        ...{ status: 'executed', repeated: true },
      });
    }
  });
});

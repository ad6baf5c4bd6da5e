import { fork } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createKillSwitch, type ExecutorStore, type KillSwitch } from '../../index.ts';
import { type ControlPlane, openControlPlane, type RollbackAnswer } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** Where a process dies; `ing it`: some milliseconds after it has asked the store, answered or not. */
const STEPS = [
  ...['not begun', 'begun', 'listing', 'intending it', 'it is intended', 'it is executing'],
  ...['it is executed', 'it has not ended', 'ending it', 'it has ended', 'all are undone', 'over'],
] as const;

/**
 * How often a process dies in each store, and how many at a time: `ROLLBACK_ROUNDS=500 npx vitest run
 * test/faults/rollback-crashes.test.ts`.
 */
const ROUNDS = Number(process.env['ROLLBACK_ROUNDS'] ?? STEPS.length);
const AT_ONCE = 6;

/** For what executors report with their next beat. */
const LONG = { timeout: 60_000, interval: 200 };

interface Place {
  readonly url: string;
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
}

const inFiles = async (): Promise<Place> => {
  const directory = join(temporaryFolder('rollback-crashes').path, 'switch');
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

const places: Array<[string, () => Promise<Place>]> = [['files', inFiles]];
if (hasRedis) places.push(['Redis', inRedis]);

const NAMES = ['a', 'b', 'c'] as const;

describe.each(places)('a process that dies while it undoes what a run has done, in %s', (_name, open) => {
  let place: Place;
  let control: ControlPlane;
  /** It goes on with what others leave. */
  let second: KillSwitch;
  let effects = '';

  const undone = (runId: string): readonly string[] =>
    existsSync(`${effects}-${runId}`) ? readFileSync(`${effects}-${runId}`, 'utf8').split('\n').filter(Boolean) : [];

  beforeAll(async () => {
    place = await open();
    effects = join(temporaryFolder('rollback-effects').path, 'undone');
    control = await openControlPlane({ store: place.controlStore, operator: { id: 'ann' } });
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    const executor = { name: 'second' };
    second = await createKillSwitch({
      store: place.store,
      domain: randomUUID(),
      executor,
      agentId: 'x',
      leaseMs: 2000,
    });
    await vi.waitUntil(() => second.check({ agentId: 'x' }).verdict === 'allow');
  });
  afterAll(async () => {
    await second?.close();
    await control?.close();
  });

  const outcomeOf = ({ actions }: RollbackAnswer, key: string): string | undefined =>
    actions.find(({ idempotency_key }) => idempotency_key === key)?.outcome;

  /** One process that has done three things dies while it undoes them; somebody else goes on. */
  async function round(number: number): Promise<string[]> {
    const dies = STEPS[number % STEPS.length] ?? 'begun';
    const idempotent = Math.floor(number / STEPS.length) % 2 === 1;
    const runId = `${number}-${randomUUID()}`;
    const keys = NAMES.map((name) => `${name} ${runId}`);
    const asked = {
      ...{ url: place.url, runId, round: number, keys, effects: `${effects}-${runId}`, idempotent, dies },
      ...{ at: 1 + randomInt(NAMES.length), afterMs: randomInt(0, 4) },
    };
    second.action({
      name: `world.change.${number}`,
      reverse: { action: `world.restore.${number}`, input: (result) => result },
      execute: async ({ of }: { of: string }) => ({ of }),
    });
    second.action({
      name: `world.restore.${number}`,
      idempotent,
      execute: async ({ of }: { of: string }) => writeFileSync(`${effects}-${runId}`, `${of}\n`, { flag: 'a' }),
    });
    const child = fork(join(import.meta.dirname, 'rollback-worker.mjs'), [JSON.stringify(asked)], { stdio: 'inherit' });
    const exit = once(child, 'exit');
    const ready = await Promise.race([once(child, 'message'), exit.then(() => null)]);
    expect(ready, 'it has ended before it had done anything').not.toBeNull();
    // Several rounds ask at once, about more executors in each round: on a slow machine that may take too long.
    await vi.waitFor(async () => {
      const { data } = await control.surfaces();
      expect(data.some(({ executor }) => executor === `first-${runId}`)).toBe(true);
    }, LONG);
    const about = `${dies}, reversal ${asked.at}${idempotent ? ', idempotent' : ''}`;

    const first = await control.rollback({ run: runId, reason: 'test', waitMs: 20_000 });
    if (child.connected) child.disconnect(); // it was to die after the last step of all
    await exit;
    expect(first.rollback?.performer.name, about).toBe(`first-${runId}`);
    const before = undone(runId);
    for (const key of keys) {
      const times = before.filter((each) => each === key).length;
      expect(times, about).toBeLessThanOrEqual(1);
      const outcome = outcomeOf(first, key);
      if (outcome === 'reversed') expect(times, `${about}: ${key} is called reversed`).toBe(1);
      if (times === 1) expect(['reversed', 'unknown'], `${about}: ${key} is lost`).toContain(outcome);
      else expect(['unknown', 'failed'], `${about}: ${key}`).toContain(outcome);
    }
    expect(before, `${about}: the order`).toEqual([...keys].reverse().slice(0, before.length));

    const again = await control.rollback({ run: runId, reason: 'again', waitMs: 20_000 });
    const after = undone(runId);
    for (const key of keys) {
      const times = after.filter((each) => each === key).length;
      const outcome = outcomeOf(again, key);
      if (outcomeOf(first, key) === 'reversed') expect([times, outcome], about).toEqual([1, outcome]);
      if (outcomeOf(first, key) === 'failed') expect([times, outcome], about).toEqual([1, 'reversed']);
      if (outcomeOf(first, key) !== 'unknown') continue;
      if (idempotent) expect(outcome, `${about}: it may be repeated`).toMatch(/reversed/);
      else {
        expect(outcome, `${about}: nothing unknown is called reversed`).toBe('unknown');
        expect(times, `${about}: nothing runs twice`).toBe(before.filter((each) => each === key).length);
      }
    }
    const events: string[] = [];
    for await (const { type, data } of control.log({ after: (first.rollback?.epoch ?? 1) - 1 }))
      if (['rollback', 'takeover'].includes(type) && data['id'] === first.rollback?.id) events.push(type);
    return [...first.actions.map(({ outcome }) => outcome), ...events];
  }

  test(`at any step, ${ROUNDS} times: nothing runs twice, nothing undone is lost, nothing unknown is called reversed`, {
    timeout: 120_000 + ROUNDS * 10_000,
  }, async () => {
    const met = new Set<string>();
    for (let from = 0; from < ROUNDS; from += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, ROUNDS - from) }, (_, index) => from + index);
      for (const outcomes of await Promise.all(numbers.map(round))) for (const each of outcomes) met.add(each);
    }
    expect([...met]).toEqual(expect.arrayContaining(['reversed', 'unknown', 'failed', 'rollback', 'takeover']));
  });
});

import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** How often a process dies in each store; `BUDGET_ROUNDS=500 npx vitest run test/faults/budgets.test.ts`. */
const ROUNDS = Number(process.env['BUDGET_ROUNDS'] ?? 8);

/** Where a process dies; `reserving` and `settling`: some milliseconds after it has asked, answered or not. */
const STEPS = [
  ...['reserving', 'reserved', 'intended', 'executing', 'executed', 'not settled', 'settling', 'settled'],
] as const;

interface Place {
  readonly url: string;
  readonly controlStore: ControlStore;
}

const inFiles = async (): Promise<Place> => {
  const directory = join(temporaryFolder('budget-crashes').path, 'switch');
  return { url: `file:${directory}`, controlStore: fileControlStore({ directory }) };
};
const inRedis = async (): Promise<Place> => {
  const { url } = await startRedis();
  return { url, controlStore: redisControlStore({ url }) };
};

const places: Array<[string, () => Promise<Place>]> = [['files', inFiles]];
if (hasRedis) places.push(['Redis', inRedis]);

async function setUp(open: () => Promise<Place>, operate = false) {
  const { url, controlStore } = await open();
  const effects = join(temporaryFolder('budget-effects').path, 'effects.txt');
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' }, operate });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const lines = (): string[] => (existsSync(effects) ? readFileSync(effects, 'utf8').split('\n').slice(0, -1) : []);
  const start = (more: object): ChildProcess => {
    const asked = JSON.stringify({ url, effects, name: 'first', ...more });
    const child = fork(join(import.meta.dirname, 'budget-worker.mjs'), [asked], { stdio: 'inherit' });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  return { url, control, lines, start };
}

describe.each(places)('budgets in %s', (_name, open) => {
  test(`count in full what died at any step, ${ROUNDS} times: never less than was spent`, {
    timeout: 60_000 + ROUNDS * 10_000,
  }, async () => {
    const { control, lines, start } = await setUp(open);
    await control.setBudget({ scope: 'run', usd: 1 });
    const met = new Set<number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const dies = STEPS[round % STEPS.length];
      const runId = `run-${round}`;
      const child = start({ runId, dies, afterMs: randomInt(0, 4) });
      const said: Array<{ readonly status?: string }> = [];
      child.on('message', (message: object) => said.push(message));
      await once(child, 'exit');
      const effects = lines().filter((line) => line === runId).length;
      expect(effects, `${dies}: ran ${effects} times`).toBeLessThanOrEqual(1);
      const row = (await control.budgets()).data.find(({ counted }) => counted === `run:${runId}`);
      const counted = (row?.spent ?? 0) + (row?.reserved ?? 0);
      met.add(counted);
      if (effects > 0) expect([0.01, 0.02], `${dies}: what was spent is not counted`).toContain(counted);
      else expect([0, 0.02], `${dies}`).toContain(counted);
      if (dies === 'settled' || said.some(({ status }) => status === 'executed'))
        expect([row?.spent, row?.reserved]).toEqual([0.01, 0]);
    }
    expect([...met]).toEqual(expect.arrayContaining([0.01, 0.02]));
  });

  test('16 processes race for the last cent: none is spent beyond it, all are paused, and the log says so once', {
    timeout: 240_000,
  }, async () => {
    const { control, lines, start } = await setUp(open, true);
    await control.setBudget({ scope: 'agent:spender', usd: 1 });
    const racers = Array.from({ length: 16 }, (_, n) => start({ runId: `run-${n}`, name: `racer-${n}`, race: true }));
    const said = racers.map((child) => {
      const messages: Array<Record<string, unknown>> = [];
      child.on('message', (message: Record<string, unknown>) => messages.push(message));
      return messages;
    });
    await vi.waitUntil(() => said.every((messages) => messages.length > 0), { timeout: 120_000 });
    const exits = racers.map((child) => once(child, 'exit'));
    for (const child of racers) child.send('go');
    await Promise.all(exits);
    const ended = said.map((messages) => messages.at(-1));
    for (const each of ended)
      expect(each).toMatchObject({ status: 'paused', cause: { kind: 'budget', scope: 'agent:spender', limit: 1 } });
    const spent = lines().length;
    expect(ended.reduce((sum, each) => sum + Number(each?.['passed']), 0)).toBe(spent);
    // Each costs 0.01 and sets 0.02 aside: the last one that fits leaves at most that, and 15 others had theirs aside.
    expect(spent).toBeLessThanOrEqual(99);
    expect(spent).toBeGreaterThanOrEqual(99 - 2 * 15);
    const row = (await control.budgets()).data.find(({ counted }) => counted === 'agent:spender');
    expect(row).toMatchObject({ reserved: 0, spent: spent / 100 });
    await vi.waitUntil(async () => (await control.kills()).data.length > 0, { timeout: 30_000 });
    expect((await control.kills()).data).toMatchObject([
      { target: 'agent:spender', mode: 'paused', killed_by: 'budget:agent:spender' },
    ]);
  });
});

describe.skipIf(!hasRedis)('where Redis is gone', () => {
  async function withCall() {
    const server = await startRedis();
    const { url } = server;
    const control = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'ann' } });
    onTestFinished(() => control.close());
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    await control.setBudget({ scope: 'run', usd: 1 });
    const real = redisStore({ url });
    let reserves = async (): Promise<unknown> => undefined;
    const store = {
      ...real,
      open(scope: Parameters<typeof real.open>[0]) {
        const connection = real.open(scope);
        const { ledger } = connection;
        if (!ledger) throw new Error('this store counts nothing');
        return {
          ...connection,
          ledger: {
            settle: (...asked: Parameters<typeof ledger.settle>) => ledger.settle(...asked),
            release: (id: string) => ledger.release(id),
            async reserve(reservation: Parameters<typeof ledger.reserve>[0]) {
              await reserves();
              return ledger.reserve(reservation);
            },
          },
        };
      },
    };
    const killSwitch = await createKillSwitch({ store, agentId: 'spender', domain: `budgets-${server.port}` });
    onTestFinished(() => killSwitch.close());
    await vi.waitUntil(() => killSwitch.check().epoch >= 3);
    const before = (work: () => Promise<unknown>): void => {
      reserves = work;
    };
    return { server, control, killSwitch, before };
  }

  test('before anything is set aside, nothing runs, and nothing is counted once it is back', {
    timeout: 60_000,
  }, async () => {
    const { server, control, killSwitch, before } = await withCall();
    const execute = vi.fn();
    const spend = killSwitch.action({ name: 'a.b', spend: { usd: () => 0.5 }, execute });
    before(() => server.kill());
    const outcome = await killSwitch.run({ runId: 'r' }, () => spend.attempt(undefined));
    expect(outcome).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault' } } });
    expect(execute).not.toHaveBeenCalled();
    before(async () => {});
    await server.restart();
    await vi.waitUntil(() => killSwitch.check().mode === 'live', { timeout: 30_000 });
    expect((await control.budgets()).data).toMatchObject([{ counted: null, left: 1 }]);
  });

  test('after the effect, what it came to is told to the store when it is back', { timeout: 60_000 }, async () => {
    const { server, control, killSwitch } = await withCall();
    const spend = killSwitch.action({
      name: 'a.b',
      spend: { usd: { reserve: () => 0.5, settle: () => 0.25 } },
      execute: () => server.kill(),
    });
    await killSwitch.run({ runId: 'r' }, () => spend.attempt(undefined));
    await server.restart();
    await vi.waitFor(
      async () =>
        expect((await control.budgets()).data).toMatchObject([{ counted: 'run:r', spent: 0.25, reserved: 0 }]),
      { timeout: 30_000, interval: 100 },
    );
  });
});

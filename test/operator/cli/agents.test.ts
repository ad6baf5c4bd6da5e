import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import type { ExecutorStore } from '../../../store/ports.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { hasRedis, startRedis } from '../../servers/index.ts';
import { fileSwitch, run } from './command.ts';

/** Two agents at work in one executor of that store; `end` lets their work end. */
async function atWork(store: ExecutorStore) {
  const killSwitch = await createKillSwitch({ store, domain: `agents-${Math.random()}`, executor: { name: 'shop' } });
  onTestFinished(async () => {
    await killSwitch.close();
    await OpenFeature.clearProviders();
  });
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const refund = killSwitch.action({ name: 'payments.refund', effect: 'read', execute: () => ended });
  const look = killSwitch.action({ name: 'orders.look', effect: 'read', execute: async () => {} });
  const busy = killSwitch.run({ agentId: 'returns-bot', runId: 'r-1', missionId: 'm-7' }, () => refund(undefined));
  const idle = killSwitch.run({ agentId: 'mail bot', runId: 'r-2' }, async () => {
    await look.attempt(undefined);
    await ended;
  });
  return async () => {
    end();
    await Promise.all([busy, idle]);
  };
}

async function lists(store: ExecutorStore, args: readonly string[], cwd?: string) {
  const options = cwd === undefined ? {} : { cwd };
  const ks = async (...words: string[]) => run([...words, ...args], options);
  await ks('init');
  await ks('mode', 'live', '--reason', 'test');
  await ks('kill', 'agent:mail bot', '--wait', '0');
  await ks('restrict', 'all', 'read_only', '--wait', '0');
  const end = await atWork(store);
  const found = await vi.waitUntil(
    async () => {
      const { json } = await ks('agents', '--json');
      return json.data.some(({ in_flight: inFlight }: { in_flight: number }) => inFlight === 1) ? json : null;
    },
    { timeout: 20_000, interval: 200 },
  );
  expect(found).toMatchObject({ count: 2, complete: true });
  const [mail, returns] = found.data.toSorted((a: { agent_id: string }, b: { agent_id: string }) =>
    a.agent_id < b.agent_id ? -1 : 1,
  );
  expect(returns).toEqual({
    ...{ agent_id: 'returns-bot', open: true, in_flight: 1, runs: ['r-1'], missions: ['m-7'], executors: ['shop'] },
    ...{ last_at: expect.stringMatching(/^\d{4}-.*Z$/), mode: 'read_only' },
    restrictions: [{ mode: 'read_only', target: 'all', cause: expect.objectContaining({ kind: 'kill' }) }],
  });
  expect(mail).toMatchObject({ agent_id: 'mail bot', runs: ['r-2'], mode: 'full_stop' });
  expect(mail.restrictions.map(({ mode, target }: { mode: string; target: string }) => [mode, target])).toEqual([
    ['full_stop', 'agent:mail bot'],
    ['read_only', 'all'],
  ]);
  const table = await ks('agents');
  expect(table.stdout).toMatch(/^returns-bot +open +1 +read_only +kill of all +shop +r-1 +m-7 +/m);
  expect(table.stdout).toMatch(/^mail bot +open +0 +full_stop +kill of agent:mail bot, and 1 more +shop +r-2 +- +/m);
  expect(table.stderr).toContain('2 agents, those who work now first');
  expect((await ks('agents', '--action', 'payments.*', '--json')).json.data).toMatchObject([
    { agent_id: 'returns-bot' },
  ]);
  expect((await ks('agents', '--limit', '1', '--json')).json).toMatchObject({ count: 2, data: [{}] });

  // Nothing of these runs is journaled.
  const runs = (await ks('runs', '--json')).json;
  expect(runs).toMatchObject({
    count: 2,
    data: [
      { run_id: 'r-1', open: true, entries: 0, agents: ['returns-bot'], executors: ['shop'], first_at: null },
      { run_id: 'r-2', open: true, entries: 0, agents: ['mail bot'], executors: ['shop'] },
    ],
  });
  expect((await ks('runs', '--skip', '1', '--json')).json).toMatchObject({ count: 2, data: [{ run_id: 'r-2' }] });
  expect((await ks('runs')).stdout).toMatch(/^r-1 +0 +0 .* returns-bot +shop$/m);
  await end();
  await vi.waitUntil(async () => (await ks('runs', '--json')).json.count === 0, { timeout: 20_000, interval: 200 });
  const over = (await ks('agents', '--json')).json;
  expect(over.data.map(({ open }: { open: boolean }) => open)).toEqual([false, false]);
}

describe('agents and runs list who works', () => {
  test('on files', async () => {
    const { directory, folder } = fileSwitch();
    await lists(fileStore({ directory }), [], folder);
  });

  test.skipIf(!hasRedis)('on Redis', { timeout: 60_000 }, async () => {
    const { url } = await startRedis();
    await lists(redisStore({ url }), ['--store', url]);
  });

  test('where nobody works, that is said', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    expect((await ks.json('agents')).json).toEqual({ data: [], count: 0, complete: true });
    expect((await ks.run('agents')).stderr).toContain('No executor has reported an agent in the last day.');
  });
});

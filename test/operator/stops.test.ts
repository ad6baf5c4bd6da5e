import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { budgetsFor, budgetStop, type Stop } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { connectExecutor, type ConnectedExecutor } from '../../store/connect-executor.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

interface Place {
  readonly executor: () => ExecutorStore;
  readonly operator: () => ControlStore;
}

const PLACES: ReadonlyArray<readonly [string, boolean, () => Promise<Place>]> = [
  [
    'the file store',
    true,
    async () => {
      const directory = join(temporaryFolder('stops').path, 'switch');
      return { executor: () => fileStore({ directory }), operator: () => fileControlStore({ directory }) };
    },
  ],
  [
    'Redis',
    hasRedis,
    async () => {
      const { url } = await startRedis();
      return { executor: () => redisStore({ url }), operator: () => redisControlStore({ url }) };
    },
  ],
];

/** A lease so long that no confirmation comes by itself within a test. */
const LEASE_MS = 60_000;

const openAll = async (open: () => Promise<Place>) => {
  const { executor, operator } = await open();
  const control = await openControlPlane({ store: operator(), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const connect = async (name: string): Promise<ConnectedExecutor> => {
    const connected = connectExecutor({
      ...{ store: executor(), organizationId: 'default', leaseMs: LEASE_MS, executorName: name },
    });
    onTestFinished(() => connected.replica.close());
    await connected.replica.start();
    await vi.waitFor(() => expect(connected.replica.fault()).toBeNull(), 10_000);
    return connected;
  };
  const operate = async (): Promise<void> => {
    const watch = await openControlPlane({ store: operator(), operator: { id: 'watch' }, operate: true });
    onTestFinished(() => watch.close());
  };
  return { control, connect, operate };
};

const modeOf = ({ replica }: ConnectedExecutor, runId: string): string => {
  const reading = replica.reading({ runId, agentId: 'bot' });
  return 'mode' in reading ? reading.mode : `full_stop: ${reading.fault}`;
};

const becomes = (connected: ConnectedExecutor, runId: string, mode: string): Promise<unknown> =>
  vi.waitFor(() => expect(modeOf(connected, runId)).toBe(mode), { timeout: 5000, interval: 5 });

/** Spends until the budget of this run has no room, and stops the run as its guard does. */
async function trip({ replica, ledger, stops }: ConnectedExecutor, runId: string): Promise<Stop> {
  const { state } = replica;
  const call = { subject: { runId, agentId: 'bot' }, context: {}, spends: { usd: 2 } };
  for (let id = 0; state && ledger && id < 100; id += 1) {
    const met = budgetsFor(state, call, replica.storeNow() ?? 0);
    const charges = met.is === 'met' ? met.charges : [];
    const reserved = await ledger.reserve({ id: `${runId} ${state.epoch} ${id}`, charges });
    if (reserved.is !== 'over') continue;
    const [charge] = charges;
    const { spent, reserved: aside } = reserved.balances[0] ?? { spent: 0, reserved: 0 };
    const maker = { id: `stop ${runId} ${state.epoch}`, epoch: replica.epoch, now: replica.storeNow() };
    const stop = charge && budgetStop(charge, spent + aside, maker);
    if (!stop || !stops) break;
    await stops.add(stop);
    return stop;
  }
  throw new Error('It does not trip.');
}

describe.each(PLACES.filter(([, has]) => has))('what an executor stops in %s', (_where, _has, open) => {
  test('stops in every other executor at once, and in the log as soon as a process operates; a person lifts it', async () => {
    const { control, connect, operate } = await openAll(open);
    await control.setBudget({ scope: 'run', usd: 5, do: 'full_stop' });
    const [spender, other] = [await connect('spender'), await connect('other')];
    await becomes(spender, 'r-1', 'live');
    await vi.waitFor(() => expect(spender.replica.state?.budgets.size).toBe(1), 10_000);
    const before = performance.now();
    const stop = await trip(spender, 'r-1');
    await becomes(other, 'r-1', 'full_stop');
    // By itself it confirms after a third of the lease: it was told.
    expect(performance.now() - before).toBeLessThan(LEASE_MS / 4);
    await becomes(spender, 'r-1', 'full_stop');
    expect(modeOf(other, 'r-2')).toBe('live');
    expect(other.replica.reading({ runId: 'r-1' })).toMatchObject({
      cause: { kind: 'budget', scope: 'run:r-1', type: 'usd', spent: 4, limit: 5, target: 'run:r-1' },
    });
    expect(await control.status()).toMatchObject({
      active_kills: 0,
      stops: [{ target: 'run:r-1', mode: 'full_stop', by: 'budget:run', at: stop.at }],
    });
    expect((await control.budgets()).data).toMatchObject([{ counted: 'run:r-1', tripped: true }]);
    const met = { mode: 'full_stop', cause: { kind: 'budget', scope: 'run:r-1' } };
    expect(await control.check({ runId: 'r-1', effect: 'read' })).toMatchObject({ verdict: 'block', ...met });
    expect(await control.explain({ runId: 'r-1' })).toMatchObject({ restrictions: [{ target: 'run:r-1', ...met }] });
    expect(await control.check({ runId: 'r-2' })).toMatchObject({ verdict: 'allow' });

    await operate();
    await vi.waitFor(async () => expect((await control.kills()).count).toBe(1), 10_000);
    expect((await control.kills()).data).toMatchObject([
      { target: 'run:r-1', mode: 'full_stop', killed_by: 'budget:run', killed_at: stop.at, expires_at: null },
    ]);
    expect((await control.budgets()).data).toMatchObject([{ counted: 'run:r-1', tripped: true }]);
    await vi.waitFor(async () => expect((await control.status()).stops).toEqual([]), 10_000);
    await becomes(other, 'r-1', 'full_stop');

    await control.revive({ target: 'run:r-1', reason: 'the loop is mended' });
    await becomes(other, 'r-1', 'live');
    await becomes(spender, 'r-1', 'live');
    expect((await control.budgets()).data).toMatchObject([{ tripped: false }]);
    await trip(spender, 'r-1'); // counted anew: there was room again, and then none
    await becomes(other, 'r-1', 'full_stop');
    await vi.waitFor(async () => expect((await control.kills()).count).toBe(1), 10_000);
    expect((await control.verifyLog()).ok).toBe(true);
  }, 60_000);

  test('is lifted by a person also where no process operates, and stays lifted', async () => {
    const { control, connect } = await openAll(open);
    await control.setBudget({ scope: 'run', usd: 5, do: 'paused' });
    const [spender, other] = [await connect('spender'), await connect('other')];
    await vi.waitFor(() => expect(spender.replica.state?.budgets.size).toBe(1), 10_000);
    const stop = await trip(spender, 'r-1');
    await becomes(other, 'r-1', 'paused');
    const { kill } = await control.revive({ target: 'run:r-1', reason: 'mended' });
    expect(kill).toMatchObject({ killed_by: 'budget:run', is_active: false });
    await becomes(other, 'r-1', 'live');
    await spender.stops?.add({ ...stop, id: 'late' }); // written before the executor had seen the revive
    await control.kill({ target: 'run:r-2' });
    await becomes(other, 'r-2', 'full_stop');
    await other.replica.confirmNow(5000);
    expect(modeOf(other, 'r-1')).toBe('live');
    expect(modeOf(await connect('newcomer'), 'r-1')).toBe('live');
    await expect(control.revive({ target: 'run:r-1', reason: 'again' })).rejects.toMatchObject({ code: 'NOT_KILLED' });
  }, 60_000);

  test('by two executors and a person at once is one kill, and one revive lifts it', async () => {
    const { control, connect, operate } = await openAll(open);
    await control.setBudget({ scope: 'run', usd: 5 });
    const [x, y] = [await connect('x'), await connect('y')];
    await vi.waitFor(() => {
      for (const each of [x, y]) expect(each.replica.state?.budgets.size).toBe(1);
    }, 10_000);
    await operate();
    await operate();
    await Promise.all([trip(x, 'r-1'), trip(y, 'r-1'), control.kill({ target: 'run:r-1', mode: 'draft_only' })]);
    await vi.waitFor(async () => expect((await control.status()).stops).toEqual([]), 20_000);
    const [kill] = (await control.kills()).data;
    expect(kill).toMatchObject({ target: 'run:r-1', mode: 'paused', killed_by: 'budget:run' });
    let stops = 0;
    for await (const { type } of control.log()) if (type === 'stop') stops += 1;
    expect(stops).toBe(1);
    await control.revive({ target: 'run:r-1', reason: 'mended' });
    for (const each of [x, y]) await becomes(each, 'r-1', 'live');
  }, 60_000);

  test('beyond what it may stop restricts nobody, and enters no log', async () => {
    const { control, connect, operate } = await openAll(open);
    const [evil, other] = [await connect('evil'), await connect('other')];
    const common = { epoch: evil.replica.epoch, name: 'evil' } as const;
    const wrong: readonly Stop[] = [
      { ...common, id: '1', target: 'all', by: 'executor', mode: 'full_stop', reason: null },
      { ...common, id: '2', target: 'action:mail.*', by: 'executor', mode: 'full_stop', reason: null },
      { ...common, id: '3', target: 'all', by: 'budget', counted: 'day', type: 'usd', value: 9, limit: 1 },
      { ...common, id: '4', target: 'agent:bot', by: 'tripwire', name: 'repeats', value: 9, limit: 1 },
      { ...common, id: '5', target: 'run:r-1', by: 'executor', mode: 'paused', reason: null, epoch: 2 ** 48 },
    ];
    for (const stop of wrong) await evil.stops?.add(stop);
    const own = { ...common, id: '6', target: 'run:r-9', by: 'executor', mode: 'paused', reason: 'a\u202eb' } as const;
    await evil.stops?.add(own);
    await operate();
    await vi.waitFor(async () => expect((await control.kills()).count).toBe(1), 10_000);
    await becomes(other, 'r-9', 'paused');
    expect(modeOf(other, 'r-1')).toBe('live');
    const types: string[] = [];
    for await (const { type, reason, actor } of control.log()) {
      types.push(type);
      if (type === 'stop') expect([actor, reason]).toEqual(['executor:evil', 'a\u202eb']);
    }
    expect(types).toEqual(['init', 'mode', 'stop']);
  }, 60_000);
});

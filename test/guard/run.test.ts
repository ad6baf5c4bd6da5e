import { describe, expect, test, vi } from 'vitest';
import { type Checkpoint, invalid, type Intervention, KillSwitchError } from '../../flags/index.ts';
import { actingAs } from '../../guard/acting-as.ts';
import { childIdentity, parseLineage } from '../../guard/identity.ts';
import { openRun } from '../../guard/run.ts';
import { bareGuard, type BareParts, HandSwitch } from './bare-guard.ts';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An open run of agent `x`, with what was kept of it and recorded. */
function open(parts: Partial<BareParts> & { readonly keeps?: boolean } = {}) {
  const hand = new HandSwitch();
  const records: Intervention[] = [];
  const guard = bareGuard({ hand, record: async (more) => void records.push(...more), ...parts });
  const keeper = {
    saveCheckpoint: vi.fn(async (_checkpoint: Checkpoint) => {}),
    lastCheckpoint: vi.fn(async (_runId: string): Promise<Checkpoint | null> => null),
    removeCheckpoint: vi.fn(async (_runId: string) => {}),
  };
  const own = { agentId: 'x', missionId: 'm', runId: 'r' };
  const opened = openRun({
    guard,
    keeper: parts.keeps === false ? null : keeper,
    identity: { ...childIdentity(undefined, own, undefined), runId: own.runId },
    acting: actingAs(
      (inside) => inside(),
      () => true,
    ),
  });
  return { ...opened, hand, guard, keeper, records };
}

test('an open run has its names and its lineage, and counts as work until it is closed', () => {
  const { run, close, hand } = open();
  expect(run).toMatchObject({ agentId: 'x', missionId: 'm', runId: 'r' });
  expect(parseLineage(run.lineage)).toEqual({ lineageAgents: ['x'], lineageMissions: ['m'], lineageRuns: ['r'] });
  expect(hand.inFlight.work).toMatchObject({ inFlight: 0, agents: ['x'], runs: ['r'] });
  close();
  expect(hand.inFlight.work).toMatchObject({ agents: [], runs: [] });
});

describe('the signal of a run', () => {
  test('fires with the stop as its reason, once nothing may be read any more', () => {
    const { run, hand } = open();
    const { signal } = run;
    for (const mode of ['read_only', 'draft_only', 'paused'] as const) {
      hand.mode = mode;
      hand.changed();
      expect(signal.aborted).toBe(false);
    }
    hand.mode = 'full_stop';
    hand.changed();
    expect(signal.reason).toMatchObject({ verdict: 'block', mode: 'full_stop', agentId: 'x' });
    expect(Object.isFrozen(signal.reason)).toBe(true);
    expect(run.signal).toBe(signal);
  });

  test('has fired where it is read first in a stop, and keeps its reason', () => {
    const { run, hand } = open();
    hand.mode = 'full_stop';
    const { reason } = run.signal;
    expect(reason).toMatchObject({ verdict: 'block', mode: 'full_stop' });
    expect(Object.isFrozen(reason)).toBe(true);
    hand.closed = true;
    hand.changed();
    expect(run.signal.reason).toBe(reason);
  });

  test('is not fired by what comes after the run', () => {
    const { run, close, hand } = open();
    const { signal } = run;
    close();
    hand.mode = 'full_stop';
    hand.changed();
    expect(signal.aborted).toBe(false);
  });

  test('that is read first when the run has ended has fired, and says why', () => {
    const { run, close } = open();
    close();
    expect(run.signal.reason).toMatchObject({
      verdict: 'block',
      cause: {
        kind: 'fault',
        code: 'CLOSED',
        message:
          'this run has ended, and its signal was not read before: read run.signal while the run is open, or open another run for work that goes on',
      },
    });
  });

  test('without a store is asked for at once, and fires by what the source says', async () => {
    const { run, hand } = open({ hasStore: false });
    hand.mode = 'full_stop';
    const { signal } = run;
    expect(signal.aborted).toBe(false);
    await immediate();
    expect(signal.reason).toMatchObject({ verdict: 'block', mode: 'full_stop' });
  });

  test.each([true, false])(
    'asks no source where there is a copy, or the run has ended (store: %s)',
    async (hasStore) => {
      const evaluate = vi.fn(async () => 'live' as const);
      const { run, close } = open({ hasStore, evaluate });
      if (!hasStore) close();
      expect(run.signal.aborted).toBe(!hasStore);
      await immediate();
      expect(evaluate).not.toHaveBeenCalled();
    },
  );
});

describe('a checkpoint', () => {
  test('is kept with its name, state and time, and the epoch of the copy', async () => {
    const { run, keeper } = open();
    const before = Date.now();
    await run.checkpoint('first', { at: 3, left: undefined });
    await run.checkpoint('second');
    const [[first], [second]] = keeper.saveCheckpoint.mock.calls as [[Checkpoint], [Checkpoint]];
    expect(first).toEqual({ run_id: 'r', name: 'first', state: { at: 3 }, at: expect.any(String), epoch: 1 });
    expect(Date.parse(first.at)).toBeGreaterThanOrEqual(before);
    expect(second).toMatchObject({ name: 'second', state: null });
  });

  test('without a store keeps nothing, and is decided all the same', async () => {
    const { run, hand, forget } = open({ keeps: false, hasStore: false });
    await run.checkpoint('first');
    expect(await run.lastCheckpoint()).toBeNull();
    await expect(forget()).resolves.toBeUndefined();
    hand.mode = 'full_stop';
    await expect(run.checkpoint('second')).rejects.toMatchObject({ code: 'BLOCKED', decision: { mode: 'full_stop' } });
  });

  test('waits for its turn after it was kept, before it is decided', async () => {
    const order: string[] = [];
    const { run, keeper } = open({
      turns: {
        beforeCall: () => immediate().then(() => void order.push('turned')),
        beforeStart: () => null,
      },
      evaluate: async () => (order.push('asked'), 'live'),
    });
    keeper.saveCheckpoint.mockImplementation(async () => void order.push('kept'));
    await run.checkpoint('first');
    expect(order).toEqual(['kept', 'turned', 'asked']);
  });

  test('is recorded as paused once, under its own name, and goes on after the pause', async () => {
    const { run, hand, guard, records } = open();
    hand.mode = 'paused';
    let isOver = false;
    const waiting = run.checkpoint('first').then(() => {
      isOver = true;
    });
    for (let time = 0; time < 3; time += 1) {
      await immediate();
      hand.changed();
    }
    expect(isOver).toBe(false);
    hand.mode = 'live';
    hand.changed();
    await waiting;
    await guard.interventions.close();
    expect(records).toMatchObject([
      { action: 'checkpoint:first', status: 'paused', state: 'waiting', verdict: 'pause', input: null, agent_id: 'x' },
    ]);
    expect(records).toHaveLength(1);
  });

  test('has at most 64 KiB of JSON', async () => {
    const { run, keeper } = open();
    await run.checkpoint('longest', 'é'.repeat(32_767)); // two bytes each, and the quotes
    await expect(run.checkpoint('longer', `${'é'.repeat(32_767)}x`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message:
        'The state of a checkpoint has at most 65536 bytes of JSON, not 65537. Keep the data elsewhere and save only where it is.',
    });
    expect(keeper.saveCheckpoint).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['', null, /^The name of a checkpoint /],
    ['first', () => 1, /^The state of a checkpoint must be JSON\.$/],
    ['first', 1n, /^The state of a checkpoint must be JSON: .*BigInt/],
    [
      'first',
      { password: 'hunter2hunter2' },
      /^The state of the checkpoint "first" holds what looks like .*"password"/,
    ],
    ['first', 'password=hunter2hunter2', /at "the top"/],
  ])('named %j of %o is refused, and nothing is kept or left', async (name, state, message) => {
    const { run, keeper, forget } = open();
    await expect(run.checkpoint(name, state)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
    await forget();
    expect([keeper.saveCheckpoint.mock.calls, keeper.removeCheckpoint.mock.calls]).toEqual([[], []]);
  });

  test('with what looks like a secret is kept where the caller says so, by true alone', async () => {
    const { run, keeper } = open();
    const state = { password: 'hunter2hunter2' };
    for (const verbatim of [undefined, false, 1 as never])
      await expect(run.checkpoint('first', state, { verbatim })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await run.checkpoint('first', state, { verbatim: true });
    expect(keeper.saveCheckpoint.mock.calls).toMatchObject([[{ state }]]);
  });
});

describe('a checkpoint that cannot be kept', () => {
  test('stops the run, with the store’s own words', async () => {
    const { run, keeper } = open();
    keeper.saveCheckpoint.mockRejectedValue(new Error('disk full'));
    await expect(run.checkpoint('first')).rejects.toMatchObject({
      code: 'BLOCKED',
      decision: {
        verdict: 'block',
        agentId: 'x',
        cause: { kind: 'fault', code: 'JOURNAL_UNAVAILABLE', message: 'the checkpoint could not be saved: disk full' },
      },
    });
  });

  test('says who stopped it where the switch has, not that the store failed', async () => {
    const { run, keeper, hand } = open();
    keeper.saveCheckpoint.mockImplementation(async () => {
      hand.mode = 'full_stop';
      throw new KillSwitchError('STORE_UNREACHABLE', 'it is gone');
    });
    await expect(run.checkpoint('first')).rejects.toMatchObject({
      code: 'BLOCKED',
      decision: { mode: 'full_stop', cause: { kind: 'mode' } },
    });
  });

  test('for a mistake of the caller’s is that mistake', async () => {
    const { run, keeper } = open();
    const mistake = invalid('A run id has no slash.');
    keeper.saveCheckpoint.mockRejectedValue(mistake);
    await expect(run.checkpoint('first')).rejects.toBe(mistake);
  });
});

describe('the last checkpoint of a run', () => {
  const last: Checkpoint = { run_id: 'r', name: 'first', state: { at: 3 }, at: '2026-01-01T00:00:00.000Z', epoch: 5 };

  test('is read under the id of the run, without what is the store’s own', async () => {
    const { run, keeper } = open();
    expect(await run.lastCheckpoint()).toBeNull();
    keeper.lastCheckpoint.mockResolvedValue(last);
    expect(await run.lastCheckpoint()).toEqual({ name: 'first', state: { at: 3 }, at: last.at });
    expect(keeper.lastCheckpoint.mock.calls).toEqual([['r'], ['r']]);
  });

  test('is forgotten where the run has saved or found one, and only then', async () => {
    const [found, saved, none] = [open(), open(), open()];
    found.keeper.lastCheckpoint.mockResolvedValueOnce(last);
    await found.run.lastCheckpoint();
    await found.run.lastCheckpoint(); // there is none any more, but there was one
    await saved.run.checkpoint('first');
    await saved.run.lastCheckpoint();
    await none.run.lastCheckpoint();
    for (const { forget } of [found, saved, none]) await forget();
    expect([found, saved, none].map(({ keeper }) => keeper.removeCheckpoint.mock.calls)).toEqual([
      [['r']],
      [['r']],
      [],
    ]);
  });

  test('that could not be saved for certain is forgotten too, and a store that fails then harms nobody', async () => {
    const { run, keeper, forget } = open();
    keeper.saveCheckpoint.mockRejectedValue(new Error('no answer'));
    keeper.removeCheckpoint.mockRejectedValue(new Error('no answer'));
    await run.checkpoint('first').catch(() => {});
    await forget();
    expect(keeper.removeCheckpoint).toHaveBeenCalledTimes(1);
  });
});

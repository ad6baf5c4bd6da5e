import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Intervention, makeDecision } from '../../flags/index.ts';
import { Interventions, MAX_WAITING } from '../../guard/interventions.ts';

afterEach(() => vi.useRealTimers());

const call = { effect: 'write', action: 'a.b', agentId: 'x' } as const;
const decision = makeDecision(call, {
  verdict: 'block',
  mode: 'full_stop',
  epoch: 3,
  cause: { kind: 'kill', killId: 'k', target: 'all', killedBy: 'ann', reason: null },
});
const circumstances = { input: { to: 'a' }, status: 'blocked', state: 'refused' } as const;

const setUp = (record: (records: readonly Intervention[]) => Promise<void>) =>
  new Interventions({ executorId: 'e', executorName: 'mailer', record });

describe('interventions', () => {
  test('are written in batches, in order', async () => {
    const batches: number[] = [];
    const interventions = setUp(async (records) => void batches.push(records.length));
    for (let count = 0; count < 450; count += 1) interventions.add(decision, call, circumstances);
    await interventions.close();
    expect(batches.reduce((sum, size) => sum + size, 0)).toBe(450);
    expect(Math.max(...batches)).toBeLessThanOrEqual(200);
    expect(interventions.dropped).toBe(0);
  });

  test.each([...Array(8).keys()])(
    'of which a whole batch comes %i microtasks after the store has taken the one before are written at once',
    async (later) => {
      let taken = (): void => {};
      const batches: number[] = [];
      const interventions = setUp(async (records) => {
        batches.push(records.length);
        await new Promise<void>((resolve) => {
          taken = resolve;
        });
      });
      const add = (): void => {
        for (let count = 0; count < 200; count += 1) interventions.add(decision, call, circumstances);
      };
      add();
      taken();
      for (let count = 0; count < later; count += 1) await Promise.resolve();
      add();
      for (let count = 0; count < 20; count += 1) await Promise.resolve();
      expect(batches).toEqual([200, 200]);
      taken();
      await interventions.close();
    },
  );

  test('that the store does not take wait, up to a bound; the rest is dropped and counted in a record, and no call waits', async () => {
    vi.useFakeTimers();
    let refuse = true;
    const kept: Intervention[] = [];
    const interventions = setUp(async (records) => {
      if (refuse) throw new Error('full');
      kept.push(...records);
    });
    for (let count = 0; count < MAX_WAITING + 10; count += 1) interventions.add(decision, call, circumstances);
    await vi.advanceTimersByTimeAsync(3000);
    expect(interventions.dropped).toBe(10);
    refuse = false;
    await vi.advanceTimersByTimeAsync(3000);
    const [told, ...more] = kept.filter(({ status }) => status === '10 dropped');
    expect(told).toMatchObject({
      type: 'WARNING',
      outcome: 'WARNED',
      state: 'unknown',
      executor_id: 'e',
      executor_name: 'mailer',
      cause: {
        kind: 'fault',
        code: 'JOURNAL_UNAVAILABLE',
        message: '10 records of this executor were dropped: the store did not take them in time',
      },
      input: null,
      proposal: false,
    });
    expect(more).toEqual([]);
    expect(new Set(kept.map(({ id }) => id)).size).toBe(MAX_WAITING + 1);
    await interventions.close();
    expect(kept).toHaveLength(MAX_WAITING + 1);
  });

  test('are bounded also where several were made while there was room for one', async () => {
    vi.useFakeTimers();
    const interventions = setUp(() => new Promise(() => {}));
    for (let count = 1; count < MAX_WAITING; count += 1) interventions.add(decision, call, circumstances);
    const keeps = [1, 2].map(() => interventions.prepare(decision, call, circumstances));
    for (const keep of keeps) keep();
    expect(interventions.dropped).toBe(1);
  });

  test('that are proposals are stored at once, and named with their redacted input', async () => {
    const record = vi.fn(async (_records: readonly Intervention[]) => {});
    const proposal = await setUp(record).propose(decision, call, { to: 'a', password: 'hunter2hunter2' });
    const [[[kept, ...more]]] = record.mock.calls as unknown as [[Intervention[]]];
    expect(kept).toMatchObject({ id: proposal.proposalId, proposal: true, status: 'drafted', state: 'drafted' });
    expect(more).toEqual([]);
    expect(proposal.input).toEqual(kept?.input);
    expect(proposal.input).toEqual({ to: 'a', password: expect.not.stringContaining('hunter2') });
  });

  test('whose redact function throws keep nothing of the input', async () => {
    const kept: Intervention[] = [];
    const interventions = new Interventions(
      { executorId: 'e', executorName: 'mailer', record: async (records) => void kept.push(...records) },
      () => {
        throw new Error('mine');
      },
    );
    interventions.add(decision, call, { ...circumstances, input: { to: 'hidden' } });
    await interventions.close();
    expect(kept[0]?.input).toMatch(/not recorded/);
    expect(JSON.stringify(kept)).not.toContain('hidden');
  });

  test('are written within a fifth of a second; where the store fails they are tried again after a second', async () => {
    vi.useFakeTimers();
    let refuse = true;
    const record = vi.fn(async () => {
      if (refuse) throw new Error('full');
    });
    const interventions = setUp(record);
    interventions.add(decision, call, circumstances);
    interventions.add(decision, call, circumstances);
    await vi.advanceTimersByTimeAsync(199);
    expect(record).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(record).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(999);
    expect(record).toHaveBeenCalledTimes(1);
    refuse = false;
    await vi.advanceTimersByTimeAsync(1);
    expect(record).toHaveBeenCalledTimes(2);
    expect(record.mock.lastCall).toMatchObject([[{ action: 'a.b' }, { action: 'a.b' }]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([record.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0]);
  });

  test('that wait do not keep the process alive', () => {
    const timer = vi.spyOn(globalThis, 'setTimeout');
    setUp(async () => {}).add(decision, call, circumstances);
    const [made] = timer.mock.results;
    timer.mockRestore();
    expect(made?.value.hasRef()).toBe(false);
  });

  test('are tried once more at the end, and then no more', async () => {
    vi.useFakeTimers();
    const record = vi.fn(async () => {
      throw new Error('full');
    });
    const interventions = setUp(record);
    interventions.add(decision, call, circumstances);
    await interventions.close();
    expect([record.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0]);
  });

  test('that come after the end are dropped, and counted, also where they were made before it', async () => {
    const record = vi.fn(async () => {});
    const interventions = setUp(record);
    const keep = interventions.prepare(decision, call, circumstances);
    expect(interventions.dropped).toBe(0);
    await interventions.close();
    keep();
    interventions.add(decision, call, circumstances);
    expect([interventions.dropped, record.mock.calls]).toEqual([2, []]);
  });

  test('are kept nowhere without a store, and no proposal can be made', async () => {
    const interventions = new Interventions(null);
    interventions.add(decision, call, circumstances);
    await expect(interventions.propose(decision, call, null)).rejects.toThrow(
      'this switch has no store to record it in.',
    );
    await interventions.close();
    expect(interventions.dropped).toBe(0);
  });

  test('say who was stopped in what by whom; what is not known is null', async () => {
    const kept: Intervention[] = [];
    const interventions = setUp(async (records) => void kept.push(...records));
    const known = { ...call, surface: 'tool', runId: 'r', missionId: 'm' } as const;
    interventions.add(decision, known, { ...circumstances, original: 'before' });
    interventions.add(decision, { effect: 'read' } as never, circumstances);
    await interventions.close();
    const common = {
      id: expect.any(String),
      at: expect.any(String),
      executor_id: 'e',
      executor_name: 'mailer',
      type: 'HARD_BLOCK',
      outcome: 'BLOCKED',
      verdict: 'block',
      status: 'blocked',
      state: 'refused',
      mode: 'full_stop',
      epoch: 3,
      cause: expect.objectContaining({ kind: 'kill', target: 'all', killed_by: 'ann' }),
      input: { to: 'a' },
      proposal: false,
    };
    const nobody = { action: null, surface: null, agent_id: null, run_id: null, mission_id: null };
    expect(kept).toEqual([
      {
        ...common,
        action: 'a.b',
        effect: 'write',
        surface: 'tool',
        agent_id: 'x',
        run_id: 'r',
        mission_id: 'm',
        original_input: 'before',
      },
      { ...common, ...nobody, effect: 'read' },
    ]);
  });

  test('are redacted before and after the application’s own redaction, which must not be a promise', async () => {
    const kept: Intervention[] = [];
    const given: unknown[] = [];
    const left: unknown[] = [{ note: 'password=hunter2hunter2' }, Promise.reject(new Error('mine'))];
    const interventions = new Interventions(
      { executorId: 'e', executorName: 'mailer', record: async (records) => void kept.push(...records) },
      (input, { action }) => {
        given.push([input, action]);
        return left.shift();
      },
    );
    for (let time = 0; time < 2; time += 1)
      interventions.add(decision, call, { ...circumstances, input: { password: 'hunter2hunter2', to: 'a' } });
    await interventions.close();
    expect(given).toMatchObject(Array(2).fill([{ to: 'a' }, 'a.b']));
    expect(JSON.stringify([given, kept])).not.toContain('hunter2');
    expect(kept[0]?.input).toEqual({ note: 'password=[redacted]' });
    expect(kept[1]?.input).toBe('[not recorded: the redact function returned a promise, and it must be synchronous]');
  });
});

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
    expect(told?.cause).toMatchObject({ code: 'JOURNAL_UNAVAILABLE', message: expect.stringContaining('10 records') });
    expect(more).toEqual([]);
    expect(new Set(kept.map(({ id }) => id)).size).toBe(MAX_WAITING + 1);
    await interventions.close();
    expect(kept).toHaveLength(MAX_WAITING + 1);
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
});

import { describe, expect, test, vi } from 'vitest';
import { faultReading, type Intervention, type Mode } from '../../flags/index.ts';
import type { Attempt } from '../../guard/attempt.ts';
import type { Step } from '../../guard/steps/index.ts';
import type { Next } from '../../guard/steps/step.ts';
import { attemptOnce, type BareCall, bareGuard, type BareParts, FRESH, HandSwitch, TOO_OLD } from './bare-guard.ts';
import { leap } from '../leap.ts';

/** A guard in a mode, what it has recorded, and what it has counted with the time that each decision took. */
function open(mode: Mode, parts: Partial<BareParts> = {}) {
  const hand = new HandSwitch();
  hand.mode = mode;
  const records: Intervention[] = [];
  const took: number[] = [];
  const guard = bareGuard({
    hand,
    record: async (more) => void records.push(...more),
    decided: (_decision, ms) => void took.push(ms),
    ...parts,
  });
  const recorded = async () => {
    await guard.interventions.close();
    return records.map(({ status, state, verdict, input }) => ({ status, state, verdict, input }));
  };
  return { hand, guard, recorded, took };
}

const execute = (input: string): string => `did ${input}`;
const call = (more: Partial<BareCall<string>> = {}): BareCall<string> => ({ input: 'it', ...more });

/** A step that a test writes down. */
const stepOf = (take: (attempt: Attempt<never, never>) => Next<never>): Step => ({
  name: 'of the test',
  isFor: () => true,
  take: (attempt) => take(attempt as unknown as Attempt<never, never>),
});

describe('what an attempt leaves', () => {
  test('nothing where it is executed', async () => {
    const { guard, recorded } = open('live');
    const outcome = await attemptOnce(guard, { name: 'a.b', execute }, call());
    expect(outcome).toEqual({ status: 'executed', decision: outcome.decision, result: 'did it' });
    expect(outcome.decision).toMatchObject({ verdict: 'allow', mode: 'live', action: 'a.b', agentId: 'x' });
    expect(await recorded()).toEqual([]);
  });

  test('a record where it is refused', async () => {
    const { guard, recorded } = open('full_stop');
    const outcome = await attemptOnce(guard, { name: 'a.b', execute }, call());
    expect(outcome).toEqual({ status: 'blocked', decision: outcome.decision });
    expect(await recorded()).toEqual([{ status: 'blocked', state: 'refused', verdict: 'block', input: 'it' }]);
  });

  test('a record that says that it has not started, where the last look refuses it', async () => {
    const { hand, guard, recorded } = open('live', {
      async confirmNow() {
        hand.mode = 'full_stop';
        return FRESH;
      },
    });
    await attemptOnce(guard, { name: 'a.b', execute, irreversible: true }, call());
    expect(await recorded()).toEqual([{ status: 'blocked', state: 'not_started', verdict: 'block', input: 'it' }]);
  });

  test('one record of its pause, however often it looks, and none of what the pause ends in', async () => {
    const { hand, guard, recorded } = open('paused', { hasStore: false });
    const attempting = attemptOnce(guard, { name: 'a.b', execute }, call({ waitMs: Number.POSITIVE_INFINITY }));
    for (let turns = 0; turns < 20; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turns === 15) hand.mode = 'live';
      hand.changed();
    }
    expect(await attempting).toMatchObject({ status: 'executed' });
    expect(await recorded()).toEqual([{ status: 'paused', state: 'waiting', verdict: 'pause', input: 'it' }]);
  });

  test('that record alone where its caller waits no longer', async () => {
    const { guard, recorded } = open('paused');
    const outcome = await attemptOnce(guard, { name: 'a.b', execute }, call());
    expect(outcome).toEqual({ status: 'paused', decision: outcome.decision });
    expect(outcome.decision.verdict).toBe('pause');
    expect(await recorded()).toMatchObject([{ status: 'paused' }]);
  });

  test.each(['write', 'read'] as const)('nothing of a %s whose caller aborts it before it starts', async (effect) => {
    const { guard, recorded } = open('live');
    const run = vi.fn(execute);
    const outcome = await attemptOnce(
      guard,
      { name: 'a.b', effect, execute: run },
      call({ signal: AbortSignal.abort() }),
    );
    expect(outcome).toEqual({ status: 'aborted', decision: outcome.decision, landed: 'no' });
    expect(outcome.decision.verdict).toBe('allow');
    expect([run.mock.calls, await recorded()]).toEqual([[], []]);
  });

  test('a record of its draft, and the draft', async () => {
    const { guard, recorded } = open('draft_only');
    const outcome = await attemptOnce(guard, { name: 'a.b', execute, draft: (input) => `draft of ${input}` }, call());
    expect(outcome).toEqual({ status: 'drafted', decision: outcome.decision, draft: 'draft of it' });
    expect(await recorded()).toEqual([{ status: 'drafted', state: 'drafted', verdict: 'draft', input: 'it' }]);
  });

  test('a record of what it was redirected to, and of what it was given', async () => {
    const records: Intervention[] = [];
    const { guard } = open('test_mode', { record: async (more) => void records.push(...more) });
    const redirect = (input: string): string => `safe ${input}`;
    expect(await attemptOnce(guard, { name: 'a.b', execute, redirect }, call())).toMatchObject({
      status: 'redirected',
      result: 'did safe it',
    });
    await guard.interventions.close();
    expect(records).toMatchObject([
      { status: 'redirected', state: 'executing', verdict: 'redirect', input: 'safe it', original_input: 'it' },
    ]);
  });
});

describe('an attempt is decided again', () => {
  test.each([
    [99, 'executed', 100],
    [100, 'blocked', 100],
    [1000, 'blocked', 100],
  ])('at most a hundred times: where %i permits have run out it is %s', async (old, status, times) => {
    let asked = 0;
    const { guard } = open('live', {
      async confirmNow() {
        asked += 1;
        return asked > old ? FRESH : TOO_OLD;
      },
    });
    const run = vi.fn(execute);
    const outcome = await attemptOnce(guard, { name: 'a.b', execute: run, irreversible: true }, call());
    expect([outcome.status, asked, run.mock.calls.length]).toEqual([status, times, status === 'executed' ? 1 : 0]);
    if (status === 'blocked')
      expect(outcome.decision.cause).toMatchObject({
        kind: 'fault',
        code: 'STALE',
        message:
          'this call was decided 100 times, and each time the switch had changed or its permit had run out before it could start',
      });
  });

  test('from nothing: no answer, permit or decision of the round before is left', async () => {
    const { guard } = open('live');
    const rounds: unknown[] = [];
    const look = stepOf((attempt) => {
      rounds.push([attempt.evaluated, attempt.permit, attempt.decision.verdict]);
      attempt.permit = { is: 'granted', isFresh: () => true };
      attempt.evaluated = { mode: 'live', cause: { kind: 'mode' }, epoch: 1 };
      attempt.decide();
      leap(10);
      return rounds.length < 3 ? 'again' : attempt.abandon('aborted', attempt.decision);
    });
    await attemptOnce(guard, { name: 'a.b', execute }, call({ steps: () => [look] }));
    const unasked = faultReading('INTERNAL', 'nothing has been asked of the switch in this round');
    expect(rounds).toEqual(Array(3).fill([unasked, null, 'block']));
  });

  test('with a new time from which its evaluation counts, but the same end of its wait', async () => {
    const { guard } = open('live');
    const times: number[][] = [];
    const look = stepOf((attempt) => {
      times.push([attempt.askedAt, attempt.until]);
      leap(500);
      return times.length < 2 ? 'again' : attempt.abandon('aborted', attempt.decision);
    });
    await attemptOnce(guard, { name: 'a.b', execute }, call({ steps: () => [look], waitMs: 7000 }));
    const [[asked = 0, until = 0] = [], [askedAgain = 0, untilAgain = 0] = []] = times;
    expect(until - asked).toBeCloseTo(7000, 3);
    expect(untilAgain).toBe(until);
    expect(askedAgain - asked).toBeGreaterThanOrEqual(500);
  });
});

describe('the time that a decision took', () => {
  test('ends where it is decided, whatever comes after it', async () => {
    const { guard, took } = open('full_stop');
    const steps = (): readonly Step[] => [
      stepOf((attempt) => {
        leap(300);
        attempt.decide();
        leap(10_000);
        return attempt.refuse(attempt.decision);
      }),
    ];
    await attemptOnce(guard, { name: 'a.b', execute }, call({ steps }));
    expect(took).toEqual([expect.toSatisfy((ms: number) => ms >= 300 && ms < 5000)]);
  });

  test('ends with the refusal where nothing was decided before', async () => {
    const { guard, took } = open('full_stop');
    const steps = (): readonly Step[] => [
      stepOf((attempt) => {
        leap(300);
        return attempt.refuse(attempt.decision);
      }),
    ];
    await attemptOnce(guard, { name: 'a.b', execute }, call({ steps }));
    expect(took).toEqual([expect.toSatisfy((ms: number) => ms >= 300 && ms < 5000)]);
  });

  test('is that of its own round', async () => {
    const { guard, took } = open('full_stop');
    let rounds = 0;
    const steps = (): readonly Step[] => [
      stepOf((attempt) => {
        rounds += 1;
        if (rounds === 1) {
          leap(50_000);
          attempt.decide();
          return 'again';
        }
        return attempt.refuse(attempt.decision);
      }),
    ];
    await attemptOnce(guard, { name: 'a.b', execute }, call({ steps }));
    expect(took).toEqual([expect.toSatisfy((ms: number) => ms < 5000)]);
  });
});

describe('a fault of ours', () => {
  test('blocks where no step has ended the attempt', async () => {
    const { guard } = open('live');
    expect(await attemptOnce(guard, { name: 'a.b', execute }, call({ steps: () => [] }))).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'INTERNAL', message: 'no step has ended this attempt' } },
    });
  });

  test('is thrown on where the action has started: nothing may say that it was blocked', async () => {
    const { guard, recorded } = open('live');
    const broken = stepOf((attempt) => {
      attempt.start();
      throw new Error('of the application');
    });
    const steps = (all: readonly Step[]) => all.map((step) => (step.name === 'start' ? broken : step));
    await expect(attemptOnce(guard, { name: 'a.b', execute }, call({ steps }))).rejects.toThrow('of the application');
    expect(await recorded()).toEqual([]);
  });
});

test('a call waits for its turn of the event loop before anything is asked, and asks by who acts then', async () => {
  const order: string[] = [];
  const { guard } = open('live', {
    evaluate: async () => {
      order.push('asked');
      return 'live';
    },
    turns: {
      beforeCall: () => new Promise((resolve) => setImmediate(() => (order.push('turned'), resolve()))),
      beforeStart: () => null,
    },
  });
  const identity = vi.spyOn(guard, 'identity');
  identity.mockImplementation(() => (order.push('who'), undefined));
  await attemptOnce(guard, { name: 'a.b', execute }, call());
  expect(order.slice(0, 2)).toEqual(['turned', 'who']);
});

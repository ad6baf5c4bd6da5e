import { describe, expect, test } from 'vitest';
import { type Occurrence, parseTripsOn, State, type Tripwire, TripwireDetector } from '../../flags/index.ts';

const LAST = { epoch: 3, by: 'unverified:dana', at: '2026-01-01T00:00:00.000Z' };
const subject = { runId: 'r-1', agentId: 'bot' };

const stateWith = (tripwires: Readonly<Record<string, Tripwire | null>>): State => {
  const state = new State();
  for (const [name, definition] of Object.entries(tripwires)) state.put(`tripwire:${name}`, { definition, ...LAST });
  return state;
};

const tripwire = (on: string, limit: number, more: Partial<Tripwire> = {}): Tripwire => ({
  ...{ on, limit, window_ms: 60_000, scope: 'run', do: 'paused', ...more },
});

const same = (input: string, more: Partial<Extract<Occurrence, { is: 'call' }>> = {}): Occurrence => ({
  ...{ is: 'call', subject, action: 'search', input, ...more },
});

/** Which of these occurrences, in order, trips. */
const tripsAt = (state: State, occurrences: readonly Occurrence[], everyMs = 1): number[] => {
  const detector = new TripwireDetector();
  return occurrences.flatMap((each, index) =>
    detector.take(state, each, 1e12 + index * everyMs).length > 0 ? [index] : [],
  );
};

const times = (count: number, ...inputs: readonly string[]): Occurrence[] =>
  Array.from({ length: count }).flatMap(() => inputs.map((input) => same(input)));

describe('repeats', () => {
  test('trip by default: 50 identical calls of a run in 10 minutes pass, and the next pauses it', () => {
    const detector = new TripwireDetector();
    for (const [index, each] of times(50, 'a').entries()) expect(detector.take(new State(), each, index)).toEqual([]);
    expect(detector.take(new State(), same('a'), 51)).toEqual([
      {
        ...{ tripwire: 'repeats', target: 'run:r-1', value: 51, limit: 50 },
        definition: { on: 'repeats', limit: 50, window_ms: 600_000, scope: 'run', do: 'paused' },
      },
    ]);
    expect(tripsAt(stateWith({ repeats: null }), times(200, 'a'))).toEqual([]);
    expect(tripsAt(stateWith({ repeats: tripwire('repeats', 3) }), times(5, 'a'))).toEqual([3, 4]);
  });

  test.each<[string[], number]>([
    [['a'], 3],
    [['a', 'b'], 6],
    [['a', 'b', 'c'], 9],
    [['a', 'b', 'c', 'd'], 12],
    [['a', 'b', 'a', 'c'], 6],
  ])('of a sequence %s trip with the first call of the round that is too many', (sequence, at) => {
    expect(tripsAt(stateWith({ repeats: tripwire('repeats', 3) }), times(5, ...sequence))[0]).toBe(at);
  });

  test('count calls with other arguments, of other actions and of other runs apart', () => {
    const state = stateWith({ repeats: tripwire('repeats', 1) });
    const calls = [
      ...[same('a'), same('b'), same('a', { action: 'fetch' }), same('a', { subject: { runId: 'r-2' } })],
      ...[same('a\nfetch', { action: 'x' }), same('fetch', { action: 'x\na' })],
    ];
    expect(tripsAt(state, calls.slice(0, 4))).toEqual([]);
    expect(tripsAt(state, [...calls.slice(0, 4), same('b')])).toEqual([4]);
  });

  test('are over once their window is, and not sooner', () => {
    const state = stateWith({ repeats: tripwire('repeats', 2, { window_ms: 60_000 }) });
    expect(tripsAt(state, times(3, 'a'), 29_000)).toEqual([2]);
    expect(tripsAt(state, times(10, 'a'), 31_000)).toEqual([]);
  });

  test('of a child count for its parent, whose loop it may be', () => {
    const state = stateWith({ repeats: tripwire('repeats', 2) });
    const child = (run: string): Occurrence => same('a', { subject: { runId: run, lineageRuns: ['r-0'] } });
    const detector = new TripwireDetector();
    expect(detector.take(state, child('c1'), 1)).toEqual([]);
    expect(detector.take(state, child('c2'), 2)).toEqual([]);
    expect(detector.take(state, child('c3'), 3).map(({ target }) => target)).toEqual(['run:r-0']);
  });

  test('are counted anew once a person has lifted the stop', () => {
    const state = stateWith({ repeats: tripwire('repeats', 1) });
    const detector = new TripwireDetector();
    const take = (): number => detector.take(state, same('a'), 1).length;
    expect([take(), take()]).toEqual([0, 1]);
    const lifted = ['lifted:run:r-1', { ...LAST, epoch: 9 }] as const;
    state.apply({ set: [lifted], remove: [] }, { seq: 9, hash: 'f'.repeat(64) });
    expect([take(), take()]).toEqual([0, 1]);
  });

  test('of very many different calls cost bounded memory, and a loop among them is found', () => {
    const state = stateWith({ repeats: tripwire('repeats', 5) });
    const detector = new TripwireDetector();
    let trips = 0;
    for (let index = 0; index < 30_000; index += 1) {
      detector.take(state, same(`input ${index}`), index);
      if (index % 1000 === 0) trips += detector.take(state, same('loop'), index).length;
    }
    expect(trips).toBe(30 - 5);
  });
});

describe('other tripwires', () => {
  const failure: Occurrence = { is: 'failure', subject };
  const refusal = (kind = 'HARD_BLOCK', isRefusal = true): Occurrence => ({
    ...{ is: 'intervention', subject, kind, isRefusal },
  });
  const report = (value: number): Occurrence => ({ is: 'report', subject, name: 'bounce_rate', value });

  test('count failures, refusals, and interventions of a kind or of any, each apart', () => {
    const many = [failure, refusal(), refusal('DOWNGRADE', false), failure, refusal(), refusal('DOWNGRADE', false)];
    const none = { repeats: null };
    expect(tripsAt(stateWith({ ...none, t: tripwire('failures', 1) }), many)).toEqual([3]);
    expect(tripsAt(stateWith({ ...none, t: tripwire('refusals', 1) }), many)).toEqual([4]);
    expect(tripsAt(stateWith({ ...none, t: tripwire('interventions', 3) }), many)).toEqual([5]);
    expect(tripsAt(stateWith({ ...none, t: tripwire('interventions:downgrade', 1) }), many)).toEqual([5]);
  });

  test('stop the agent where that is their scope', () => {
    const state = stateWith({ t: tripwire('failures', 0, { scope: 'agent', do: 'full_stop' }) });
    expect(new TripwireDetector().take(state, failure, 1)).toMatchObject([{ target: 'agent:bot' }]);
  });

  test('of a reported number trip above the limit, also where it is no number', () => {
    const state = stateWith({ t: tripwire('report:bounce_rate', 0.04) });
    const reports = [report(0.04), report(0.05), report(0), report(Number.NaN), report(Number.POSITIVE_INFINITY)];
    expect(tripsAt(state, reports)).toEqual([1, 3, 4]);
    expect(tripsAt(stateWith({ t: tripwire('report:other', 0) }), reports)).toEqual([]);
  });

  test.each(['', 'repeat', 'repeats:x', 'report', 'report:', 'interventions:', 'failures:x', 7])(
    'count nothing by the word %s',
    (text) => {
      expect(() => parseTripsOn(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    },
  );
});

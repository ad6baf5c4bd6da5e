import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttemptEvent, type AttemptState, hasStarted, transition } from '../../guard/attempt-state.ts';
import { type Decision, makeDecision } from '../../flags/index.ts';

const decision = (verdict: Decision['verdict']): Decision =>
  makeDecision({ action: 'a.b', agentId: 'x' }, { verdict, mode: 'live', epoch: 1, cause: { kind: 'mode' } });

const EVENTS: readonly AttemptEvent[] = [
  { type: 'wait', decision: decision('pause') },
  { type: 'refuse', decision: decision('block') },
  { type: 'abandon', decision: decision('pause') },
  { type: 'draft', decision: decision('draft') },
  { type: 'intend', decision: decision('allow') },
  { type: 'answer', decision: decision('allow') },
  { type: 'confirm' },
  { type: 'reconsider' },
  { type: 'start' },
  { type: 'stop', decision: decision('block') },
  { type: 'land' },
  { type: 'fail', error: new Error('mine') },
];

/** Every edge that there is; whatever is not here changes nothing. */
const EDGES: Readonly<Record<AttemptState['is'], Partial<Record<AttemptEvent['type'], AttemptState['is']>>>> = {
  deciding: { wait: 'waiting', refuse: 'refused', abandon: 'abandoned', draft: 'drafted', intend: 'intended' },
  waiting: { wait: 'waiting', refuse: 'refused', abandon: 'abandoned', draft: 'drafted', intend: 'intended' },
  intended: {
    answer: 'answered',
    confirm: 'confirming',
    refuse: 'not_started',
    abandon: 'not_started',
    reconsider: 'deciding',
    start: 'executing',
  },
  confirming: { refuse: 'not_started', abandon: 'not_started', reconsider: 'deciding', start: 'executing' },
  executing: { stop: 'stopping', land: 'landed', fail: 'failed' },
  stopping: { land: 'landed', fail: 'unknown' },
  unknown: { land: 'landed' },
  landed: {},
  failed: {},
  not_started: {},
  answered: {},
  refused: {},
  drafted: {},
  abandoned: {},
};

/** What ends an attempt before it has started. */
const UNSTARTED: ReadonlyArray<AttemptState['is']> = ['refused', 'drafted', 'abandoned', 'not_started', 'answered'];

const run = (events: readonly AttemptEvent[]): AttemptState =>
  events.reduce<AttemptState>((attempt, event) => transition(attempt, event), { is: 'deciding' });

describe('the life of an attempt', () => {
  test('has exactly the edges of the table, and reaches every state', () => {
    const seen = new Map<AttemptState['is'], AttemptState>([['deciding', { is: 'deciding' }]]);
    let edges = 0;
    for (const [is, attempt] of seen) {
      for (const event of EVENTS) {
        const after = transition(attempt, event);
        const expected = EDGES[is][event.type];
        expect(`${is} + ${event.type} = ${after.is}`).toBe(`${is} + ${event.type} = ${expected ?? is}`);
        if (expected === undefined) expect(after).toBe(attempt);
        else edges += 1;
        if (!seen.has(after.is)) seen.set(after.is, after);
      }
    }
    expect([...seen.keys()].sort()).toEqual(Object.keys(EDGES).sort());
    const started = [...seen.values()].filter(hasStarted).map(({ is }) => is);
    expect(started.sort()).toEqual(['executing', 'failed', 'landed', 'stopping', 'unknown']);
    expect(edges).toBe(Object.values(EDGES).reduce((sum, row) => sum + Object.keys(row).length, 0));
  });

  test('never starts after it was refused, drafted or given up, and what landed stays landed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 12 }), (events) => {
        let attempt: AttemptState = { is: 'deciding' };
        let ended: AttemptState | null = null;
        let landed = false;
        for (const event of events) {
          attempt = transition(attempt, event);
          if (UNSTARTED.includes(attempt.is)) ended ??= attempt;
          if (attempt.is === 'landed') landed = true;
          if (ended) expect([attempt, hasStarted(attempt)]).toEqual([ended, false]);
          if (landed) expect(attempt.is).toBe('landed');
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('records what really landed, also after it was given up as unknown', () => {
    const event = (type: AttemptEvent['type']): AttemptEvent =>
      EVENTS.find((found) => found.type === type) as AttemptEvent;
    const [wait, intend, start] = [event('wait'), event('intend'), event('start')];
    const [stop, land, fail] = [event('stop'), event('land'), event('fail')];
    expect(run([wait, intend, start, stop, fail])).toMatchObject({ is: 'unknown', stoppedBy: { verdict: 'block' } });
    expect(run([wait, intend, start, stop, fail, land])).toMatchObject({
      is: 'landed',
      stoppedBy: { verdict: 'block' },
    });
    expect(run([intend, start, fail, land]).is).toBe('failed');
  });
});

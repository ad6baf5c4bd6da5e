import { describe, expect, test } from 'vitest';
import {
  type BudgetCharge,
  budgetStop,
  resolveMode,
  State,
  type Stop,
  stopSchema,
  stopTerms,
  tripwireStop,
} from '../../flags/index.ts';

const LAST = { epoch: 3, by: 'unverified:dana', at: '2026-01-01T00:00:00.000Z' };

const budget = {
  ...{ window: 'total', usd: 5, tokens: null, calls: null, time_zone: 'UTC', warn: 0.8, do: 'draft_only' },
  ...{ targeting: null, tiers: {}, since: 3, ...LAST },
} as const;

const state = (): State => {
  const made = new State();
  made.put('mode', { mode: 'live', targeting: null, ...LAST });
  made.put('budget:run', { ...budget, scope: 'run' });
  made.put('budget:day', { ...budget, scope: 'day', window: 'day', do: 'full_stop' });
  made.put('budget:user:u-9', { ...budget, scope: 'user:u-9' });
  made.epoch = 5;
  return made;
};

const byBudget = (name: string, counted: string, target: string, epoch = 5): Stop => ({
  ...{ id: 's', by: 'budget', name, counted, target, epoch, type: 'usd', value: 4_900_000, limit: 5_000_000 },
});
const byTripwire = (name: string, target: string): Stop => ({
  ...{ id: 's', by: 'tripwire', name, target, epoch: 5, value: 51, limit: 50 },
});
const byItself = (target: string): Stop => ({
  ...{ id: 's', by: 'executor', name: 'mailer', target, epoch: 5, mode: 'paused', reason: 'odd' },
});

describe('a stop of an executor', () => {
  test.each<[string, Stop, string]>([
    ['a run by a budget of each run', byBudget('run', 'run:r-1', 'run:r-1'), 'draft_only'],
    ['everything by that of a day', byBudget('day', 'day', 'all'), 'full_stop'],
    ['the run of a user', byBudget('user:u-9', 'user:u-9', 'run:r-1'), 'draft_only'],
    ['a run by the default tripwire', byTripwire('repeats', 'run:r-1'), 'paused'],
    ['what the executor runs', byItself('agent:bot'), 'paused'],
    ['its mission', byItself('mission:m'), 'paused'],
  ])('restricts %s as far as its definition says', (_what, stop, mode) => {
    expect(stopTerms(state(), stop)?.mode).toBe(mode);
  });

  test.each<[string, Stop]>([
    ['everything by a budget of a run', byBudget('run', 'run:r-1', 'all')],
    ['another run than was counted', byBudget('run', 'run:r-1', 'run:r-2')],
    ['an agent by a budget of a run', byBudget('run', 'agent:a', 'agent:a')],
    ['another count than the budget’s', byBudget('user:u-9', 'user:u-8', 'run:r-1')],
    ['an action by a budget of a user', byBudget('user:u-9', 'user:u-9', 'action:mail.*')],
    ['by a budget that is not there', byBudget('agent', 'agent:a', 'agent:a')],
    ['a count that is no scope', byBudget('run', 'nonsense', 'run:r-1')],
    ['by a tripwire that is not there', byTripwire('other', 'run:r-1')],
    ['an agent by a tripwire of runs', byTripwire('repeats', 'agent:bot')],
    ['everything of its own accord', byItself('all')],
    ['an action of its own accord', byItself('action:mail.*')],
    ['a feature of its own accord', byItself('feature:f')],
  ])('restricts nobody where it would stop %s', (_what, stop) => {
    expect(stopTerms(state(), stop)).toBeNull();
  });

  test('holds until its count or its target was lifted after it', () => {
    for (const key of ['lifted:day', 'lifted:all']) {
      const lifted = state();
      lifted.put(key, { ...LAST, epoch: 6 });
      expect(stopTerms(lifted, byBudget('day', 'day', 'all', 5))).toBeNull();
      expect(stopTerms(lifted, byBudget('day', 'day', 'all', 6))).not.toBeNull();
    }
    expect(stopTerms(state(), byBudget('day', 'day', 'all', 2))).toBeNull(); // the budget is another one since
  });

  test('restricts calls at once, with what has tripped as the cause, and until the log says that it is over', () => {
    const held = state();
    const run = (id: string) => resolveMode(held, { runId: id, agentId: 'bot' }, () => null);
    expect(held.stops.take([byBudget('run', 'run:r-1', 'run:r-1')], held)).toEqual(['kill:run:r-1']);
    expect(run('r-1')).toEqual({
      mode: 'draft_only',
      cause: { kind: 'budget', scope: 'run:r-1', type: 'usd', spent: 4.9, limit: 5, target: 'run:r-1' },
    });
    expect(run('r-2').mode).toBe('live');
    expect(resolveMode(held, { runId: 'c', lineageRuns: ['r-1'] }, () => null).mode).toBe('draft_only');
    held.stops.take([byTripwire('repeats', 'run:r-1')], held);
    expect(run('r-1')).toEqual({
      mode: 'paused',
      cause: { kind: 'tripwire', name: 'repeats', value: 51, limit: 50, target: 'run:r-1' },
    });
    held.stops.take([], held);
    expect(run('r-1').mode).toBe('paused');
    held.apply({ set: [['lifted:run:r-1', { ...LAST, epoch: 6 }]], remove: [] }, { seq: 6, hash: 'a' });
    expect(run('r-1').mode).toBe('live');
  });

  test('waits for a budget that is on its way', () => {
    const early = state();
    early.stops.take([byBudget('agent', 'agent:a', 'agent:a')], early);
    expect(resolveMode(early, { agentId: 'a' }, () => null).mode).toBe('live');
    early.apply({ set: [['budget:agent', { ...budget, scope: 'agent' }]], remove: [] }, { seq: 6, hash: 'a' });
    expect(resolveMode(early, { agentId: 'a' }, () => null).mode).toBe('draft_only');
  });

  test('is made of a charge that had no room, or of a trip, with bounded numbers', () => {
    const maker = { id: 's', epoch: 5, now: Date.parse('2026-01-01T00:00:00.000Z') };
    const charge: Omit<BudgetCharge, 'account'> = {
      ...{ budget: 'run', counted: 'run:r-1', target: 'run:r-1', do: 'paused', type: 'usd', amount: 1, limit: 5 },
      ...{ warnAt: null, window: { is: 'total', idleMs: null } },
    };
    expect(stopSchema.parse(budgetStop(charge, 4, maker))).toMatchObject({ name: 'run', value: 4, limit: 5 });
    expect(budgetStop({ ...charge, target: null }, 4, maker)).toBeNull();
    const definition = { on: 'report:x', limit: 1, window_ms: 1000, scope: 'run', do: 'paused' } as const;
    const trip = { tripwire: 't', definition, target: 'run:r-1', value: Number.NaN, limit: 1 };
    expect(stopSchema.parse(tripwireStop(trip, maker))).toMatchObject({ value: Number.MAX_SAFE_INTEGER });
  });
});

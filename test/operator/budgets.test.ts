import { describe, expect, test, vi } from 'vitest';
import { type BudgetCharge, budgetsFor, type SpendingCall } from '../../flags/index.ts';
import { givenBudget } from '../../operator/given/budget.ts';
import { givenTripwire } from '../../operator/given/tripwire.ts';
import type { BudgetOptions } from '../../operator/given/budget.ts';
import type { TripwireOptions } from '../../operator/given/tripwire.ts';
import { Memory } from '../../store/memory/index.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { openReplicas } from '../store/open-replicas.ts';
import { started } from './desk.ts';

const budget = (part: Record<string, unknown>, reason?: string, scope = 'day') =>
  ({ type: 'budget', scope, window: scope === 'day' ? 'day' : 'total', part, reason }) as const;

describe('a budget', () => {
  test('takes a reason where it allows more, and none where it allows less', () => {
    const desk = started();
    desk.do(budget({ usd: 50 }));
    for (const less of [{ usd: 40 }, { calls: 9 }, { do: 'full_stop' }, { warn: null }, { warn: 0.5 }])
      expect(desk.refusal(budget(less))).toBe('not refused');
    const more = [
      ...[{ usd: 51 }, { usd: null, calls: 9 }, { do: 'draft_only' }, { time_zone: 'Europe/Berlin' }],
      {
        targeting: { if: [{ '===': [{ var: 'account_id' }, 'acme'] }, 'gold'] },
        tiers: { gold: { usd: 9, tokens: null, calls: null } },
      },
    ];
    for (const part of more) {
      expect(desk.refusal(budget(part)), JSON.stringify(part)).toBe('REASON_REQUIRED');
      expect(desk.refusal(budget(part, 'launch'))).toBe('not refused');
    }
    expect(desk.refusal({ ...budget({}), part: null })).toBe('REASON_REQUIRED');
  });

  test('that is set again keeps what is not named, and since when it counts; one that was removed counts anew', () => {
    const desk = started();
    desk.do(budget({ usd: 50, time_zone: 'Europe/Berlin' }));
    const since = desk.epoch;
    desk.do(budget({ usd: 40, warn: 0.5 }));
    expect(desk.state.get('budget', 'day')).toMatchObject({ usd: 40, time_zone: 'Europe/Berlin', warn: 0.5, since });
    expect(desk.plan(budget({ usd: 40 }))).toMatchObject({ is: 'change', change: { already: true } });
    desk.do({ ...budget({}, 'audit'), part: null });
    expect(desk.state.get('budget', 'day')).toBeUndefined();
    desk.do(budget({ usd: 40 }));
    expect(desk.state.get('budget', 'day')?.since).toBe(desk.epoch);
  });

  test('is refused, with what is wrong, where it is none', () => {
    const desk = started();
    const wrong: ReadonlyArray<readonly [Record<string, unknown>, RegExp]> = [
      [{}, /has an amount/],
      [{ usd: null }, /has an amount/],
      [{ usd: 5, time_zone: 'Mars/Base' }, /Mars\/Base/],
      [{ usd: 5, targeting: { nonsense: [] } }, /rule .* cannot be used/],
    ];
    for (const [part, problem] of wrong)
      expect(desk.refused(budget(part))).toMatchObject({
        kind: 'not_a_definition',
        problem: expect.stringMatching(problem),
      });
    expect(desk.refused({ ...budget({ usd: 5, time_zone: 'UTC' }), scope: 'all', window: 'total' })).not.toBeNull();
    expect(desk.refused({ ...budget({ usd: 5 }), window: 5000 })).not.toBeNull();
  });

  test.each<[string, unknown]>([
    ['scope', { scope: 'bot' }],
    ['window', { window: 5 }],
    ['window', { window: 1.5e3 + 0.5 }],
    ['usd', { usd: -1 }],
    ['usd', { usd: 0.000_000_1 }],
    ['usd', { usd: Number.NaN }],
    ['calls', { calls: 1.5 }],
    ['warn', { warn: 80 }],
    ['do', { do: 'live' }],
    ['tiers', { tiers: { gold: { usd: 'much' } } }],
    ['tiers', { tiers: { gold: { dollars: 5 } } }],
    ['unknown', { limit: 5 }],
  ])('is refused before the store is asked where its %s cannot be: %s', (_what, options) => {
    const all = { scope: 'run', usd: 5, ...(options as object) } as BudgetOptions;
    expect(() => givenBudget(all)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('a tripwire', () => {
  const tripwire = (name: string, part: Record<string, unknown> | null, reason?: string) =>
    ({ type: 'tripwire', name, part, reason }) as const;

  test('that is there by default is changed and removed like any other, with a reason', () => {
    const desk = started();
    expect(desk.refusal(tripwire('repeats', { limit: 100 }))).toBe('REASON_REQUIRED');
    expect(desk.refusal(tripwire('repeats', { window_ms: 60_000 }))).toBe('REASON_REQUIRED');
    expect(desk.refusal(tripwire('repeats', null))).toBe('REASON_REQUIRED');
    desk.do(tripwire('repeats', { limit: 20 }));
    expect(desk.state.get('tripwire', 'repeats')?.definition).toMatchObject({ limit: 20, window_ms: 600_000 });
    desk.do(tripwire('repeats', null, 'polls'));
    expect(desk.state.get('tripwire', 'repeats')?.definition).toBeNull();
    desk.do(tripwire('repeats', { limit: 1000 }));
    expect(desk.state.get('tripwire', 'repeats')?.definition?.limit).toBe(1000);
  });

  test('needs what it counts and a limit, and a window unless it is of a report', () => {
    const desk = started();
    expect(desk.refusal(tripwire('t', { on: 'failures', limit: 5 }))).toBe('INVALID_ARGUMENT');
    expect(desk.refusal(tripwire('t', { limit: 5, window_ms: 5000 }))).toBe('INVALID_ARGUMENT');
    expect(desk.refusal(tripwire('t', { on: 'failures', limit: 1.5, window_ms: 5000 }))).toBe('INVALID_ARGUMENT');
    expect(desk.refusal(tripwire('t', { on: 'report:bounce_rate', limit: 0.04 }))).toBe('not refused');
    desk.do(tripwire('t', { on: 'failures', limit: 5, window_ms: 5000 }));
    desk.do(tripwire('t', null, 'noise'));
    expect(desk.state.get('tripwire', 't')).toBeUndefined();
  });

  test.each([{ on: 'nothing' }, { limit: -1 }, { windowMs: 5 }, { scope: 'mission' }, { do: 'live' }, { name: '' }])(
    'is refused before the store is asked where it cannot be: %s',
    (options) => {
      const all = { name: 't', on: 'failures', limit: 5, windowMs: 5000, ...options } as TripwireOptions;
      expect(() => givenTripwire(all)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    },
  );
});

test('budgets are shown with what is spent of them, what is left, and the rate at which they empty', async () => {
  const clock = fakeClock();
  const { control, store, replica } = await openReplicas({ memory: new Memory({ clock }) });
  await control.setBudget({ scope: 'all', usd: 10 });
  await control.setBudget({ scope: 'run', calls: 5 });
  await control.setBudget({ scope: 'agent:bot', window: 600_000, tokens: 100 });
  const executor = replica();
  await executor.start();
  const scope = { organizationId: 'default', executorId: 'e', executorName: 'mailer', requestTimeoutMs: 1000 };
  const { ledger } = store.open(scope);
  const { state } = executor;
  if (!ledger || !state) throw new Error('It has a ledger and a state.');
  const spend = async (id: string, runId: string, usd: number): Promise<void> => {
    const call: SpendingCall = { subject: { runId, agentId: 'bot' }, context: {}, spends: { usd, tokens: 10 } };
    const met = budgetsFor(state, call, store.memory.now);
    if (met.is === 'blocked') throw new Error(met.why);
    expect(await ledger.reserve({ id, charges: met.charges })).toMatchObject({ is: 'reserved' });
  };
  clock.pass(3_600_000);
  await spend('one', 'r-1', 3);
  await spend('two', 'r-2', 1);
  await ledger.settle('one', { usd: 2_000_000 });
  const shown = (await control.budgets()).data.map(
    ({ name, counted, type, limit, spent, reserved, left, per_hour }) => [
      ...[name, counted, type, limit, spent, reserved, left, per_hour && Math.round(per_hour * 100) / 100],
    ],
  );
  expect(shown).toEqual([
    ['all', 'all', 'usd', 10, 2, 1, 7, 3],
    ['run', 'run:r-1', 'calls', 5, 1, 0, 4, 1],
    ['run', 'run:r-2', 'calls', 5, 0, 1, 4, 1],
    ['10m agent:bot', 'agent:bot', 'tokens', 100, 10, 10, 80, 120],
  ]);
  const [all] = (await control.status()).budgets;
  expect(Date.parse(all?.empty_at ?? '') - store.memory.now).toBeCloseTo((7 / 3) * 3_600_000, -4);
  expect((await control.budgets({ skip: 1, limit: 1 })).count).toBe(4);
  const rates = async () =>
    (await control.budgets()).data.map(({ name, counted, per_hour, empty_at }) => [
      ...[name, counted, per_hour === null ? null : Math.round(per_hour), empty_at === null ? null : 'told'],
    ]);
  await control.kill({ target: 'run:r-1', mode: 'paused', waitMs: 0 });
  await control.setBudget({ scope: 'mission:m', calls: 5 });
  await spend('three', 'r-3', 7); // nothing is left of all
  clock.pass(700_000);
  expect(await rates()).toEqual([
    ['all', 'all', null, null],
    ['run', 'run:r-1', null, null], // it is stopped
    ['run', 'run:r-2', 1, 'told'],
    ['run', 'run:r-3', 1, 'told'],
    ['10m agent:bot', 'agent:bot', 0, null],
    ['mission:m', 'mission:m', 0, null],
  ]);
  await control.setBudget({ scope: 'agent', usd: 50 });
  await vi.waitFor(() => expect(state.budgets.size).toBe(5));
  clock.pass(59_000); // too short a time to tell a rate
  const call: SpendingCall = { subject: { agentId: 'bot' }, context: {}, spends: { usd: 1 } };
  const met = budgetsFor(state, call, store.memory.now);
  await ledger.reserve({
    id: 'four',
    charges: met.is === 'met' ? met.charges.filter(({ budget }) => budget === 'agent') : [],
  });
  expect((await rates()).at(-1)).toEqual(['agent', 'agent:bot', null, null]);
  clock.pass(1000);
  expect((await rates()).at(-1)).toEqual(['agent', 'agent:bot', 60, 'told']);
  expect((await control.tripwires()).data).toMatchObject([{ name: 'repeats', is_default: true }]);
});

test('an account that an executor has named after nothing hides no other, and keeps nobody from looking', async () => {
  const clock = fakeClock();
  const { control, store } = await openReplicas({ memory: new Memory({ clock }) });
  const { epoch } = await control.setBudget({ scope: 'user', usd: 10 });
  const scope = { organizationId: 'default', executorId: 'e', executorName: 'mailer', requestTimeoutMs: 1000 };
  const { ledger } = store.open(scope);
  const charge = (counted: string): BudgetCharge => ({
    ...{ budget: 'user', counted, target: null, do: 'paused', type: 'usd', amount: 3_000_000, limit: 10_000_000 },
    ...{ account: JSON.stringify(['total', epoch, 'usd', 'user', counted]), warnAt: null },
    window: { is: 'total', idleMs: null },
  });
  const charges = ['nonsense', '', 'user:', 'agent:bot', `user:${'x'.repeat(600)}`, 'user:u-1'].map(charge);
  expect(await ledger?.reserve({ id: 'one', charges })).toMatchObject({ is: 'reserved' });
  clock.pass(3_600_000);
  expect((await control.budgets()).data).toMatchObject([{ counted: 'user:u-1', reserved: 3, left: 7 }]);
  expect((await control.status()).budgets).toHaveLength(1);
});

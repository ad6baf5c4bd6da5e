import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Budget,
  budgetsFor,
  budgetName,
  nameOfBudget,
  parseScope,
  type SpendingCall,
  State,
  readAccountName,
} from '../../flags/index.ts';
import { tierRuleProblem } from '../../flags/budget-tiers.ts';

const NOW = Date.parse('2026-10-25T12:00:00Z');
const LAST = { epoch: 3, by: 'unverified:dana', at: '2026-01-01T00:00:00.000Z' };

const budget = (scope: string, more: Partial<Budget> = {}): Budget => ({
  ...{ scope, window: scope === 'day' ? 'day' : 'total', usd: null, tokens: null, calls: 10, time_zone: 'UTC' },
  ...{ warn: 0.8, do: 'paused', targeting: null, tiers: {}, ...more },
});

const stateWith = (...budgets: readonly Budget[]): State => {
  const state = new State();
  for (const each of budgets) state.put(`budget:${nameOfBudget(each)}`, { ...each, since: 3, ...LAST });
  return state;
};

const call = (more: Partial<SpendingCall> = {}): SpendingCall => ({
  subject: {
    ...{ agentId: 'bot', runId: 'r-1', missionId: 'm', action: 'mail.send' },
    ...{ lineageRuns: ['r-0'], lineageAgents: ['lead'], lineageMissions: [] },
  },
  context: {},
  spends: {},
  ...more,
});

const met = (state: State, given = call(), now = NOW) => {
  const found = budgetsFor(state, given, now);
  if (found.is === 'blocked') throw new Error(found.why);
  return found.charges;
};

describe('the budgets that a call meets', () => {
  test.each<[string, string[], string | null]>([
    ['day', ['day'], 'all'],
    ['all', ['all'], 'all'],
    ['run', ['run:r-1', 'run:r-0'], 'run:r-1'],
    ['run:r-0', ['run:r-0'], 'run:r-0'],
    ['run:other', [], null],
    ['agent', ['agent:bot', 'agent:lead'], 'agent:bot'],
    ['agent:lead', ['agent:lead'], 'agent:lead'],
    ['mission:m', ['mission:m'], 'mission:m'],
    ['action:mail.*', ['action:mail.*'], 'action:mail.*'],
    ['action:mail.send', ['action:mail.send'], 'action:mail.send'],
    ['action:mail.read', [], null],
    ['user', ['user:u-9'], 'run:r-1'],
    ['user:u-9', ['user:u-9'], 'run:r-1'],
    ['user:u-8', [], null],
    ['account:acme', ['account:acme'], 'run:r-1'],
  ])('are those of its scope: %s counts %s and stops %s', (scope, counted, target) => {
    const charges = met(stateWith(budget(scope)), call({ context: { user: 'u-9', account_id: 'acme' } }));
    expect(charges.map((charge) => charge.counted)).toEqual(counted);
    expect(charges[0]?.target ?? null).toBe(target);
    expect(charges.every(({ amount, type }) => amount === 1 && type === 'calls')).toBe(true);
  });

  test('ask for dollars and tokens only what the action says that it spends', () => {
    const state = stateWith(budget('run:r-1', { usd: 5, tokens: 100 }));
    expect(met(state).map(({ type }) => type)).toEqual(['calls']);
    const spending = met(state, call({ spends: { usd: 0.07, tokens: 12.5 } }));
    expect(spending.map(({ type, amount, limit, warnAt }) => [type, amount, limit, warnAt])).toEqual([
      ['usd', 70_000, 5_000_000, 4_000_000],
      ['tokens', 13, 100, 80],
      ['calls', 1, 10, 8],
    ]);
  });

  test.each([-1, Number.NaN, '1e3', null, {}])('block a call that says it spends %s', (usd) => {
    expect(budgetsFor(stateWith(), call({ spends: { usd } }), NOW)).toMatchObject({ is: 'blocked' });
  });

  test('block a call whose user cannot be read, where one of a user is there', () => {
    const odd = call({ context: { user: 7 } });
    expect(budgetsFor(stateWith(budget('user')), odd, NOW)).toMatchObject({ is: 'blocked' });
    expect(budgetsFor(stateWith(budget('run')), odd, NOW)).toMatchObject({ is: 'met' });
  });

  test('block every call where a time zone is not known here', () => {
    const state = stateWith(budget('day', { time_zone: 'Mars/Base' }));
    expect(budgetsFor(state, call(), NOW)).toMatchObject({ is: 'blocked', why: expect.stringContaining('Mars/Base') });
  });

  test('count in the day of their time zone, also where it has 25 hours, and else slide or have no end', () => {
    const [day, slides, total, one] = met(
      stateWith(
        budget('day', { time_zone: 'Europe/Berlin' }),
        budget('all', { window: 600_000 }),
        budget('run'),
        budget('run:r-1'),
      ),
    );
    const from = Date.parse('2026-10-24T22:00:00Z');
    expect(day?.window).toEqual({ is: 'fixed', from, until: from + 25 * 3_600_000 });
    expect(slides?.window).toEqual({ is: 'sliding', ms: 600_000 });
    expect(total?.window).toEqual({ is: 'total', idleMs: 35 * 86_400_000 });
    expect(met(stateWith(budget('run:r-1')))[0]?.window).toEqual({ is: 'total', idleMs: null });
    expect(one).toBeDefined();
  });

  test('have an account for each of them, each day, and each time that one was lifted', () => {
    const state = stateWith(budget('day'), budget('run'), budget('run:r-1'), budget('run:r-1', { window: 60_000 }));
    const names = met(state).map(({ account }) => account);
    expect(new Set(names).size).toBe(names.length);
    const tomorrow = met(state, call(), NOW + 86_400_000).map(({ account }) => account);
    expect(tomorrow.filter((account) => !names.includes(account))).toHaveLength(1);
    state.put('lifted:run:r-1', { ...LAST, epoch: 9 });
    const after = met(state).map(({ account }) => readAccountName(account));
    expect(after.filter((account) => account?.since === 9).map((account) => account?.counted)).toEqual([
      'run:r-1',
      'run:r-1',
      'run:r-1',
    ]);
  });

  test('have the amounts of the tier that a rule names, and nothing where it names none', () => {
    const tiered = budget('account', {
      ...{
        calls: 5,
        tiers: { gold: { usd: null, tokens: null, calls: 500 }, free: { usd: null, tokens: null, calls: null } },
      },
      targeting: {
        if: [
          { '===': [{ var: 'account_id' }, 'acme'] },
          'gold',
          { '===': [{ var: 'account_id' }, 'free'] },
          'free',
          { '===': [{ var: 'account_id' }, 'odd'] },
          'no such tier',
          null,
        ],
      },
    });
    expect(tierRuleProblem(tiered)).toBeNull();
    const state = stateWith(tiered);
    const limit = (account: string): number | undefined =>
      met(state, call({ context: { account_id: account } }))[0]?.limit;
    expect(['acme', 'free', 'odd', 'other'].map(limit)).toEqual([500, undefined, 0, 5]);
    const broken = stateWith({ ...tiered, targeting: { nonsense: 1 } });
    expect(met(broken, call({ context: { account_id: 'acme' } }))[0]?.limit).toBe(0);
  });

  test('are the same for the same call, whole, and as many as its scopes', () => {
    const id = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((text) => !/[\p{Cc}*]/u.test(text));
    fc.assert(
      fc.property(id, id, fc.array(id, { maxLength: 4 }), fc.nat(1e13), (runId, agentId, lineageRuns, now) => {
        const state = stateWith(budget('day'), budget('run', { usd: 5 }), budget('agent', { window: 5000 }));
        const given = call({ subject: { runId, agentId, lineageRuns }, spends: { usd: 0.5 } });
        const charges = met(state, given, now);
        expect(met(state, given, now)).toEqual(charges);
        const runs = new Set([runId, ...lineageRuns]).size;
        expect(charges).toHaveLength(1 + 2 * runs + 1);
        for (const { account, counted, type } of charges)
          expect(readAccountName(account)).toMatchObject({ counted, type, since: 3 });
      }),
    );
  });
});

describe('a scope', () => {
  test.each([
    '',
    'bot',
    'day:x',
    'all:x',
    'action',
    'action:*',
    'action:a*',
    'agent:*',
    'agent:',
    'feature:x',
    7,
    null,
  ])('is none of %s', (text) => {
    expect(() => parseScope(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test('gives a budget its name, with its window where that is not the usual one', () => {
    expect(budgetName(parseScope('day'), 'day')).toBe('day');
    expect(budgetName(parseScope('agent:a b'), 'total')).toBe('agent:a b');
    expect(budgetName(parseScope('agent:a b'), 'day')).toBe('day agent:a b');
    expect(budgetName(parseScope('all'), 600_000)).toBe('10m all');
    expect(budgetName(parseScope('all'), 90_500)).toBe('90500ms all');
  });
});

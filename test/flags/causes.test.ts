import { describe, expect, test } from 'vitest';
import {
  type Cause,
  causeAttributes,
  causeFromMetadata,
  causeMetadata,
  causeRecord,
  causeSchema,
  causeWord,
  clauseForModel,
  describeCause,
  MODE_CAUSE,
  ON_ONE_LINE,
  shownId,
} from '../../flags/index.ts';

type Kind = Cause['kind'];

interface Told<C extends Cause = Cause> {
  readonly cause: C;
  /** What comes after "stopped by". */
  readonly person: string;
  /** What comes after "because". */
  readonly model: string;
  /** What a trace holds: no person, and nothing that somebody wrote. */
  readonly trace: Readonly<Record<string, string | number>>;
}

/** What people, models and traces get of one cause of each kind. */
const TOLD: { readonly [K in Kind]: Told<Extract<Cause, { readonly kind: K }>> } = {
  mode: {
    cause: { kind: 'mode' },
    person: 'the mode of the switch',
    model: 'it is restricted at present',
    trace: {},
  },
  kill: {
    cause: { kind: 'kill', killId: 'k-1', target: 'agent:bot', killedBy: 'dana', reason: 'wrong refunds' },
    person: 'a kill of agent:bot by dana (wrong refunds)',
    model: 'an operator has restricted it',
    trace: { kill_id: 'k-1', target: 'agent:bot' },
  },
  rule: {
    cause: { kind: 'rule', rule: 'nights', until: '2026-11-30T07:00:00.000Z' },
    person: 'the rule nights until 2026-11-30T07:00:00Z',
    model: 'a standing rule restricts it',
    trace: { rule: 'nights', until: '2026-11-30T07:00:00.000Z' },
  },
  feature: {
    cause: { kind: 'feature', feature: 'refunds', stage: 'dark' },
    person: 'the feature refunds, which is dark',
    model: 'its feature has not been released',
    trace: { feature: 'refunds', stage: 'dark' },
  },
  autonomy: {
    cause: { kind: 'autonomy', action: 'email.send', stage: 'human_in_the_loop' },
    person: 'the autonomy stage human_in_the_loop of email.send',
    model: 'a person has to look at it first',
    trace: { action: 'email.send', stage: 'human_in_the_loop' },
  },
  limit: {
    cause: { kind: 'limit', limit: 'refund.max', value: 300, max: 200 },
    person: 'the limit refund.max of 200, which 300 does not keep',
    model: 'it does not keep the limit of 200',
    trace: { limit: 'refund.max', max: 200 },
  },
  budget: {
    cause: { kind: 'budget', scope: 'day', type: 'usd', spent: '9.50', limit: 10, target: 'all' },
    person: 'the budget of day, of which 9.50 of 10 usd are spent (kill-switch revive all --reason "…" lifts this)',
    model: 'its budget is spent, and a person has to look at it',
    trace: { scope: 'day', type: 'usd', spent: '9.50', limit: 10, target: 'all' },
  },
  approval: {
    cause: { kind: 'approval', approvalId: 'a-1', status: 'rejected', why: 'was rejected (too much)' },
    person: 'the approval a-1 was rejected (too much)',
    model: 'a person has looked at it and said no',
    trace: { approval_id: 'a-1', status: 'rejected' },
  },
  tripwire: {
    cause: { kind: 'tripwire', name: 'refunds per hour', value: 12, limit: 10, target: 'run:r 1' },
    person:
      'the tripwire refunds per hour, with 12 where the limit is 10 (kill-switch revive \'run:r 1\' --reason "…" lifts this, kill-switch tripwire set changes it)',
    model: 'something was done too often, and a person has to look at it',
    trace: { name: 'refunds per hour', value: 12, limit: 10, target: 'run:r 1' },
  },
  identity: {
    cause: { kind: 'identity', message: 'agent_id must be a non-empty string' },
    person: 'agent_id must be a non-empty string',
    model: 'nobody can tell who asks for it',
    trace: {},
  },
  fault: {
    cause: { kind: 'fault', code: 'STALE', message: 'the lease is over' },
    person: 'the lease is over (STALE)',
    model: 'the switch that could allow it cannot be read',
    trace: { code: 'STALE' },
  },
};

describe.each(Object.entries<Told>(TOLD))('of a cause of the kind %s', (kind, { cause, person, model, trace }) => {
  test('a person is told everything, a model nothing that anybody wrote', () => {
    expect([describeCause(cause), clauseForModel(cause)]).toEqual([person, model]);
  });

  test('a trace holds the ids and the amounts, and names nobody', () => {
    expect(causeAttributes(cause)).toEqual({ cause: kind, ...trace });
  });

  test('metadata hold the epoch beside it, and a record every member', () => {
    const members = Object.entries(cause).filter(([name]) => name !== 'kind');
    expect(causeMetadata(cause, 7)).toEqual({ cause: kind, epoch: 7, ...Object.fromEntries(members) });
    expect(Object.keys(causeRecord(cause))).toEqual(['kind', ...members.map(([name]) => snakeCase(name))]);
  });
});

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe('a kill without a reason', () => {
  const cause: Cause = { ...TOLD.kill.cause, reason: null };

  test('is told without one, left out of metadata, and null in a record', () => {
    expect(describeCause(cause)).toBe('a kill of agent:bot by dana');
    expect(causeMetadata(cause, 7)).not.toHaveProperty('reason');
    expect(causeFromMetadata(causeMetadata(cause, 7))).toEqual(cause);
    expect(causeRecord(cause)).toEqual({
      ...{ kind: 'kill', kill_id: 'k-1', target: 'agent:bot', killed_by: 'dana', reason: null },
    });
  });
});

test('what is shown of a cause can be marked: what somebody wrote in one way, all other texts in another', () => {
  const shownAs = { id: (text: string) => `<${text}>`, words: (text: string) => `“${text}”` };
  expect(describeCause(TOLD.kill.cause, shownAs)).toBe('a kill of <agent:bot> by <dana> (“wrong refunds”)');
  expect(describeCause({ ...TOLD.kill.cause, reason: null }, shownAs)).toBe('a kill of <agent:bot> by <dana>');
  expect(describeCause(TOLD.budget.cause, shownAs)).toBe(
    'the budget of <day>, of which <9.50> of 10 <usd> are spent (kill-switch revive all --reason "…" lifts this)',
  );
  expect(describeCause({ ...TOLD.limit.cause, value: 'much' }, shownAs)).toContain('“much”');
  expect(TOLD.kill.cause.target).toBe('agent:bot');
});

test.each([
  ['day', 'kill-switch revive all --reason "…" lifts this'],
  ['all', 'kill-switch revive all --reason "…" lifts this'],
  ['run:r-1', 'kill-switch revive run:r-1 --reason "…" lifts this'],
  ["agent:it's $me", `kill-switch revive 'agent:it'\\''s $me' --reason "…" lifts this`],
  ['mission:m 7', `kill-switch revive 'mission:m 7' --reason "…" lifts this`],
  ['action:db.*', `kill-switch revive 'action:db.*' --reason "…" lifts this`],
  ['user:dana', 'kill-switch status shows what to revive'], // it has stopped a run or an agent
  ['account:acme', 'kill-switch status shows what to revive'],
  ['of a newer version', 'kill-switch status shows what to revive'],
])('the budget of %s says what lifts its stop, as it can be typed', (scope, lifts) => {
  const cause: Cause = { ...TOLD.budget.cause, scope, target: null };
  for (const shownAs of [undefined, ON_ONE_LINE]) expect(describeCause(cause, shownAs)).toContain(`spent (${lifts})`);
});

test('a budget of a user says what lifts its stop, where what it has stopped is known', () => {
  const cause: Cause = { ...TOLD.budget.cause, scope: 'user:dana', target: 'run:r-1' };
  expect(describeCause(cause)).toContain('(kill-switch revive run:r-1 --reason "…" lifts this)');
});

test('a model is not told an amount of thousands of digits', () => {
  const limit: Cause = { ...TOLD.limit.cause, max: '9'.repeat(3999) };
  expect(clauseForModel(limit)).toBe('it does not keep its limit');
});

test('the message of an identity that metadata hold keeps no password of a URL', () => {
  const cause = causeFromMetadata({ cause: 'identity', message: 'no agent at postgres://u:p4ss@h/db' });
  expect(cause).toMatchObject({ kind: 'identity' });
  expect(JSON.stringify(cause)).not.toContain('p4ss');
});

test('causes are counted by their kind, and faults by their code', () => {
  expect([causeWord(TOLD.kill.cause), causeWord(MODE_CAUSE), causeWord(TOLD.fault.cause)]).toEqual([
    'kill',
    'mode',
    'STALE',
  ]);
});

test('a cause of a kind that only another version has is told as the mode', () => {
  const newer = { kind: 'eclipse', of: 'the sun' } as unknown as Cause;
  expect([describeCause(newer), clauseForModel(newer)]).toEqual([TOLD.mode.person, TOLD.mode.model]);
  expect(causeAttributes(newer)).toEqual({ cause: 'eclipse' });
});

test('the mode alone is one value for all that rest on it, and nobody can change it', () => {
  expect(causeFromMetadata({ cause: 'mode' })).toBe(MODE_CAUSE);
  expect(causeFromMetadata({})).toBeNull();
  expect(Object.isFrozen(MODE_CAUSE)).toBe(true);
});

test.each([
  ['an id', { cause: 'rule' }, 'rule'],
  ['words', { cause: 'limit', limit: 'l', max: 1 }, 'value'],
  ['an amount in digits', { cause: 'limit', limit: 'l', value: 1 }, 'max'],
])('%s of 4000 characters can be read', (_, metadata, member) => {
  const digits = '7'.repeat(4000);
  expect(causeFromMetadata({ ...metadata, [member]: digits })).toMatchObject({ [member]: digits });
});

test('an amount that is a text is one also where texts are shown in quotes', () => {
  const cause = { kind: 'limit', limit: 'refund.max', value: '201.00', max: '200.00' } as const;
  const quotes = (text: string): string => JSON.stringify(text);
  expect(describeCause(cause, { id: shownId, words: quotes })).toBe(
    'the limit refund.max of 200.00, which 201.00 does not keep',
  );
  expect(describeCause({ ...cause, value: 'the text "x"' }, { id: shownId, words: quotes })).toBe(
    'the limit refund.max of 200.00, for which "the text \\"x\\"" is no amount',
  );
});

test.each(['1', '0', '12.5', 7, 0.5, -1])('%j is an amount', (max) => {
  expect(causeFromMetadata({ cause: 'limit', limit: 'l', value: 1, max })).toMatchObject({ max });
});

test.each(['', '.5', '5.', '1.2.3', '-1', ' 1', '1 ', '1e3', 'x1', '1x', null, true, Number.POSITIVE_INFINITY])(
  '%j is no amount',
  (max) => {
    expect(causeFromMetadata({ cause: 'limit', limit: 'l', value: 1, max })).toBeNull();
  },
);

test('the JSON of a cause has no text of more than 4000 characters', () => {
  for (const cause of [
    { kind: 'rule', rule: '', until: null },
    { kind: 'identity', message: '' },
  ]) {
    const [, member = ''] = Object.keys(cause);
    const withText = (length: number): boolean =>
      causeSchema.safeParse({ ...cause, [member]: 'w'.repeat(length) }).success;
    expect([withText(4000), withText(4001)]).toEqual([true, false]);
  }
});

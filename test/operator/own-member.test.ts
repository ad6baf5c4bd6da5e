import { expect, test } from 'vitest';
import { budgetSchema, ENTRY_SCHEMAS, FOLDS } from '../../flags/index.ts';
import { givenAllow } from '../../operator/given/standing.ts';
import { givenApprove } from '../../operator/given/approval.ts';
import { jsonValue } from '../../operator/json-value.ts';

const OWN: object = JSON.parse('{"__proto__":{"currency":"usd"}}');

test('a member __proto__ is refused at the border, at any depth, and so is -0', () => {
  const allow = { action: 'pay', agentId: 'bot', times: 1, lastsMs: 1000 };
  for (const match of [OWN, { a: [OWN] }])
    expect(() => givenAllow({ ...allow, match: { ...match } })).toThrow('"__proto__"');
  expect(() => givenApprove({ id: 'r', input: [OWN] })).toThrow('"__proto__"');
  expect(() => jsonValue('when', { '==': [{ var: 'x' }, -0] })).toThrow('the number -0');
  expect(() => givenApprove({ id: 'r', input: { usd: -0 } })).toThrow('the number -0');
});

test('an event or an entry with such a member is not read as if it had none', () => {
  const about = { id: 's', action: 'pay', agent_id: 'bot', run_id: null, times: 1, until: '2026-01-01T00:00:00.000Z' };
  expect(FOLDS.standing.data.safeParse({ ...about, match: { currency: 'usd' } }).success).toBe(true);
  expect(FOLDS.standing.data.safeParse({ ...about, match: OWN }).success).toBe(false);
  const nested = { a: OWN };
  expect(FOLDS.standing.data.parse({ ...about, match: nested }).match).toEqual(nested);
  const budget = { scope: 'day', window: 'day', usd: 1, tokens: null, calls: null, time_zone: 'UTC', warn: null };
  const more = { do: 'paused', targeting: null, tiers: {} };
  expect(budgetSchema.safeParse({ ...budget, ...more }).success).toBe(true);
  expect(budgetSchema.safeParse({ ...budget, ...more, targeting: OWN }).success).toBe(false);
  expect(budgetSchema.safeParse({ ...budget, ...more, tiers: OWN }).success).toBe(false);
  expect(ENTRY_SCHEMAS.flags.shape.definition.safeParse(OWN).success).toBe(false);
});

import fc from 'fast-check';
import type { JsonLogic } from '../../flags/json-logic.ts';
import { accountsRule, FEATURE_STAGES, percentageRule, type StageTerms } from '../../flags/index.ts';

/** The name that features have in these tests. */
export const FEATURE = 'returns.auto';

export const ACCOUNTS = ['acme', 'globex', 'initech', 'x-1', 'x-2', 'x-3', 'x-4', 'x-5', 'x-6', 'x-7'] as const;

const stage = fc.constantFrom(...FEATURE_STAGES);
const accounts = fc.uniqueArray(fc.constantFrom(...ACCOUNTS), { minLength: 1, maxLength: 4 });

const rule: fc.Arbitrary<JsonLogic | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.tuple(accounts, stage).map(([list, given]) => accountsRule(list, given)),
  fc
    .tuple(fc.integer({ min: 1, max: 99 }), stage, stage)
    .map(([percentage, given, otherwise]) => percentageRule(FEATURE, percentage, { stage: given, otherwise })),
  fc
    .tuple(stage, stage)
    .map(([gold, other]): JsonLogic => ({ if: [{ '===': [{ var: 'tier' }, 'gold'] }, gold, other] })),
  fc.tuple(stage, accounts, stage).map(
    ([gold, list, given]): JsonLogic => ({
      if: [{ '===': [{ var: 'tier' }, 'gold'] }, gold, { in: [{ var: 'account_id' }, list] }, given],
    }),
  ),
  fc.constant<JsonLogic>({ var: 'wish' }),
);

/** A stage with a rule, of every form that `setFeature` takes. */
export const termsArbitrary: fc.Arbitrary<StageTerms> = fc
  .record({ stage, targeting: rule })
  .map(({ targeting, ...terms }) => (targeting === undefined ? terms : { ...terms, targeting }));

/** Contexts for these rules. `odd`: with values of other kinds as well. */
export const contextsFor = (odd: boolean): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(
    {
      account_id: fc.constantFrom<unknown>(
        ...ACCOUNTS,
        'nobody',
        '',
        ...(odd ? [7, true, null, ['acme'], [], { a: 1 }, {}] : []),
      ),
      tier: fc.constantFrom<unknown>('gold', 'silver', ...(odd ? [0, false, ['gold'], { toString: 'x' }] : [])),
      wish: fc.constantFrom<unknown>(...FEATURE_STAGES, ...(odd ? ['nonsense', '', 0, ['live'], {}] : [])),
      targetingKey: fc.constant('run-7'),
      ...(odd && { agent_id: fc.constantFrom<unknown>('a', 'a', 'a', '', 7, '*') }),
    },
    { requiredKeys: [] },
  );

import fc from 'fast-check';
import { type Entry, MODES, type Mode, type RuleWindow, State, TARGET_TYPES } from '../../flags/index.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES } from '../../flags/stages.ts';
import { accountsRule, percentageRule } from '../../flags/rollout.ts';
import { LAST_CHANGE } from './last-change.ts';

/** The store's time, where it does not matter. */
export const NOW = Date.UTC(2026, 0, 2);

/** The second from which on the rules below that ask for the time answer otherwise. */
export const WINDOW_ENDS = Date.UTC(2026, 0, 1) / 1000;

/** Few, so that subjects and kills often have the same; odd, because each of them has broken some lookup somewhere. */
export const IDS = [
  'a',
  'b',
  '__proto__',
  'constructor',
  'toString',
  '*a',
  'a:b',
  '{x}',
  '$ref',
  '{"$ref":"shared"}',
  'full_stop',
  'live',
  '0',
  '7',
  'true',
  ' a',
  '"',
  '\\',
  '😀',
  'x'.repeat(512),
] as const;

const ACTIONS = ['email.send', 'email.send.now', 'email.', 'email', '.x', 'a..b', '__proto__.x', '{x}.y'] as const;

/** Targets that an older version accepted: a log that has one must stay readable. */
const PATTERNS = ['email.*', 'email.send.*', 'a..*', '{x}.*', '*', '.*', 'email*', '*.send', 'em*.send'] as const;

/** Values that are not ids, each with its name in the property test. */
const ODD_IDS: ReadonlyArray<readonly [string, unknown]> = [
  ['null', null],
  ['number', 7],
  ['zero', 0],
  ['fraction', 1.5],
  ['true', true],
  ['false', false],
  ['empty string', ''],
  ['star', '*'],
  ['list', ['a']],
  ['empty list', []],
  ['list of lists', [['a']]],
  ['object', { a: 'a' }],
  ['empty object', {}],
];

/** Values that are not lists of strings. */
const ODD_LINEAGES: ReadonlyArray<readonly [string, unknown]> = [
  ['null lineage', null],
  ['string lineage', 'a'],
  ['empty string lineage', ''],
  ['number lineage', 7],
  ['zero lineage', 0],
  ['true lineage', true],
  ['false lineage', false],
  ['object lineage', { 0: 'a', length: 1 }],
  ['empty object lineage', {}],
  ['star in lineage', ['a', '*']],
  ['null in lineage', ['a', null]],
  ['number in lineage', [7]],
  ['zero in lineage', [0]],
  ['true in lineage', [true, 'a']],
  ['false in lineage', ['b', false]],
  ['list in lineage', [['a']]],
  ['empty list in lineage', ['a', []]],
  ['object in lineage', [{ length: 1 }]],
  ['empty object in lineage', [{}]],
];

const IDENTITIES = ['organization_id', 'agent_id', 'mission_id', 'run_id', 'action', 'effect', 'surface', 'feature'];
const LINEAGES = ['lineage_agents', 'lineage_missions', 'lineage_runs'];

/** Names that no action may have, because they are patterns. */
const ODD_ACTIONS: typeof ODD_IDS = [
  ...ODD_IDS,
  ...PATTERNS.map((pattern) => [`pattern ${pattern}`, pattern] as const),
];

/** Every odd value in every attribute, by itself. */
export const ODD_CONTEXTS: readonly OddContext[] = [
  ...IDENTITIES.flatMap((name) =>
    (name === 'action' ? ODD_ACTIONS : ODD_IDS).map(([odd, value]) => ({ context: { [name]: value }, odd: [odd] })),
  ),
  ...LINEAGES.flatMap((name) => ODD_LINEAGES.map(([odd, value]) => ({ context: { [name]: value }, odd: [odd] }))),
];

/** Rules for the base mode on which both evaluators agree; `tier` and `answer` are the app's own attributes. */
const TARGETINGS: readonly unknown[] = [
  {},
  { if: [{ '===': [{ var: 'tier' }, 'gold'] }, 'live', 'read_only'] },
  { if: [{ in: [{ var: 'tier' }, ['gold', 'silver']] }, 'test_mode'] },
  { var: 'answer' },
  { if: [{ '===': [{ var: 'agent_id' }, 'a'] }, 'full_stop', 'approval_gated'] },
  { fractional: [{ var: ['tier', 'none'] }, ['live', 50], ['paused', 50]] },
  { if: [{ '===': [{ var: 'lineage_agents' }, null] }, 'draft_only', null] },
  { if: [{ '<': [{ var: '$flagd.timestamp' }, WINDOW_ENDS] }, 'full_stop', 'live'] },
  { if: [{ '>=': [{ var: ['$flagd.timestamp', 0] }, WINDOW_ENDS] }, 'read_only'] },
  // Refused by flagd's schema or evaluator: full_stop.
  { try: ['live'] },
  { if: [{ $ref: 'shared' }, 'live'] },
  { no_such_operator: [] },
  'live',
];

/** Rules for the stage of a feature; the last ones are refused, so the feature is dark. */
const STAGE_RULES: readonly unknown[] = [
  {},
  accountsRule(['acme', 'a'], 'live'),
  accountsRule(['a'], 'dark'),
  percentageRule('a', 50, { stage: 'live', otherwise: 'shadow' }),
  percentageRule('{"$ref":"shared"}', 20, { stage: 'gated', otherwise: 'dark' }),
  { if: [{ '===': [{ var: 'tier' }, 'gold'] }, 'live', 'shadow'] },
  { var: 'answer' },
  { if: [{ '===': [{ var: 'agent_id' }, 'a'] }, 'gated', null] },
  { if: [{ '<': [{ var: '$flagd.timestamp' }, WINDOW_ENDS] }, 'live', 'gated'] },
  { if: [{ starts_with: [{ var: 'action' }, 'email.'] }, 'live'] },
  {
    fractional: [
      ['live', 50],
      ['dark', 50],
    ],
  },
  { if: [{ '===': [{ var: '$flagd.flagKey' }, 'kill-switch.mode'] }, 'live', 'dark'] },
  { try: ['live'] },
  'live',
];

/** Conditions of rules; `tier`, `answer`, `amount` and `path` are the app's own attributes. */
const CONDITIONS: readonly unknown[] = [
  { '===': [{ var: 'tier' }, 'gold'] },
  { '!': [{ '===': [{ var: 'tier' }, 'gold'] }] },
  { in: [{ var: 'answer' }, ['live', 'paused', 'bogus']] },
  { '>': [{ var: ['amount', 0] }, 100] },
  { starts_with: [{ var: 'path' }, '/prod/'] },
  { and: [{ '===': [{ var: 'tier' }, 'gold'] }, { '>=': [{ var: ['amount', 0] }, 5] }] },
  { '===': [{ var: 'agent_id' }, 'a'] },
  { some: [{ var: 'lineage_agents' }, { '===': [{ var: '' }, 'b'] }] },
  { '<': [{ var: '$flagd.timestamp' }, WINDOW_ENDS] },
  { '>=': [{ var: '$flagd.timestamp' }, WINDOW_ENDS] },
  // Not of the grammar, as another version may have recorded them: everybody meets them.
  { missing: ['tier'] },
  { '===': [{ var: 'amount.of' }, 5] },
  'gold',
];

const iso = (year: number): string => `${year}-01-01T00:00:00.000Z`;
const weekly = (
  since: number,
  until: number,
  opens: readonly (readonly [number, number])[],
  drain_ms = 0,
): RuleWindow => ({
  kind: 'weekly',
  words: 'Mon 01:00-02:00 UTC',
  since: iso(since),
  until: iso(until),
  opens: opens.map(([from, end]): [string, string] => [iso(from), iso(end)]),
  drain_ms,
});
const once = (from: number, until: number | null, drain_ms = 0): RuleWindow => {
  const end = until === null ? null : iso(until);
  return { kind: 'once', from: iso(from), until: end, drain_ms };
};
const YEAR_MS = 366 * 86_400_000;

/** Windows, each of which is the same at NOW and at the present: over, open, still to come, drained before, unknown. */
const WINDOWS: readonly (RuleWindow | null)[] = [
  null,
  once(2000, 2001),
  once(2000, 2100),
  once(2000, null),
  once(2100, 2101),
  once(2100, null, 100 * YEAR_MS),
  once(2100, 2101, YEAR_MS),
  weekly(2000, 2200, [
    [2001, 2002],
    [2100, 2101],
  ]),
  weekly(2000, 2200, [
    [2001, 2002],
    [2010, 2101],
  ]),
  weekly(
    2000,
    2200,
    [
      [2001, 2002],
      [2100, 2101],
    ],
    99 * YEAR_MS,
  ),
  weekly(2000, 2010, [[2001, 2002]]),
  weekly(2100, 2200, [[2100, 2101]]),
];

const at = '2025-01-01T00:00:00Z';
const mode = fc.constantFrom(...MODES);
const limits = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }));

const kill = fc
  .record({
    type: fc.constantFrom(...TARGET_TYPES, 'action', 'action', 'agent'),
    id: fc.constantFrom(...IDS, '*'),
    action: fc.constantFrom(...ACTIONS, ...PATTERNS),
    mode,
  })
  .map(({ type, id, action, mode: killed }) => ({
    target: type === 'all' ? 'all' : `${type}:${type === 'action' ? action : id}`,
    mode: killed,
  }));

/** What a rule says, at NOW and at the present alike. */
export const ruleTermsArbitrary = fc
  .record({
    of: kill,
    window: fc.constantFrom(...WINDOWS),
    when: fc.option(fc.constantFrom(...CONDITIONS), { nil: null }),
  })
  .map(({ of, window, when }) => ({ ...of, window, when }));

const named = <T>(name: fc.Arbitrary<string>, value: fc.Arbitrary<T>): fc.Arbitrary<[string, T][]> =>
  fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 4 });

export const stateArbitrary: fc.Arbitrary<State> = fc
  .record({
    base: mode,
    targeting: fc.option(fc.constantFrom(...TARGETINGS), { freq: 2, nil: null }),
    kills: fc.array(kill, { maxLength: 10 }),
    features: named(
      fc.constantFrom(...IDS),
      fc.record({
        stage: fc.constantFrom(...FEATURE_STAGES),
        targeting: fc.option(fc.constantFrom(...STAGE_RULES), { freq: 1, nil: undefined }),
      }),
    ),
    limits: named(fc.constantFrom(...IDS), limits),
    autonomy: named(fc.constantFrom(...ACTIONS), fc.constantFrom(...AUTONOMY_STAGES)),
    rules: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(ruleTermsArbitrary, { maxLength: 5 }) },
    ),
  })
  .map(({ base, targeting, kills, features, limits: walls, autonomy, rules }) => {
    const state = new State();
    state.put('mode', { mode: base, targeting, ...LAST_CHANGE });
    // `all` hides everything else, so it is rarer than chance would have it.
    for (const { target, mode: killed } of kills.filter((k, i) => k.target !== 'all' || i === 9))
      putKill(state, target, killed);
    for (const [name, terms] of features) state.put(`feature:${name}`, { ...terms, ...LAST_CHANGE });
    for (const [name, value] of walls) state.put(`limit:${name}`, { value, ...LAST_CHANGE });
    for (const [name, stage] of autonomy) state.put(`autonomy:${name}`, { stage, ...LAST_CHANGE });
    for (const [i, terms] of rules.entries()) putRule(state, `rule ${i}`, terms);
    state.epoch = 1;
    return state;
  });

export function putRule(
  state: State,
  name: string,
  terms: Partial<Entry<'rule'>> & Pick<Entry<'rule'>, 'target' | 'mode'>,
): void {
  state.put(`rule:${name}`, { window: null, when: null, reason: null, ...terms, ...LAST_CHANGE });
}

export function putKill(state: State, target: string, killed: Mode): void {
  state.put(`kill:${target}`, {
    id: `k-${target}`,
    target,
    mode: killed,
    reason: null,
    killed_by: 'dana',
    killed_at: at,
    expires_at: null,
    ...LAST_CHANGE,
  });
}

/** A context and the names of the odd values in it. */
interface OddContext {
  readonly context: Readonly<Record<string, unknown>>;
  readonly odd: readonly string[];
}

type Value = { readonly value: unknown; readonly odd?: string };

const attribute = (good: fc.Arbitrary<unknown>, odd: typeof ODD_IDS, absent = 16): fc.Arbitrary<Value | undefined> =>
  fc.oneof(
    { weight: absent, arbitrary: fc.constant(undefined) },
    { weight: 16, arbitrary: good.map((value) => ({ value })) },
    { weight: 1, arbitrary: fc.constantFrom(...odd).map(([name, value]) => ({ value, odd: name })) },
  );

const id = attribute(fc.constantFrom(...IDS), ODD_IDS);
const lineage = attribute(fc.array(fc.constantFrom(...IDS, ''), { maxLength: 4 }), ODD_LINEAGES);

export const contextArbitrary: fc.Arbitrary<OddContext> = fc
  .record({
    organization_id: attribute(fc.constantFrom('default', 'other'), ODD_IDS),
    agent_id: id,
    mission_id: id,
    run_id: id,
    action: attribute(fc.constantFrom(...ACTIONS), ODD_ACTIONS),
    effect: attribute(fc.constantFrom('read', 'draft', 'write'), ODD_IDS),
    surface: id,
    // Most features are unknown to most states, and an unknown one hides everything else.
    feature: attribute(fc.constantFrom(...IDS), ODD_IDS, 80),
    lineage_agents: lineage,
    lineage_missions: lineage,
    lineage_runs: lineage,
    targetingKey: fc.constantFrom({ value: 'key' }, undefined),
    tier: fc.constantFrom({ value: 'gold' }, { value: 'silver' }, undefined),
    account_id: fc.constantFrom<Value | undefined>(
      ...['acme', 'a', 'x-1', 'x-2', '', 7, true, ['acme'], { a: 'acme' }, null].map((value) => ({ value })),
      undefined,
    ),
    amount: fc.constantFrom<Value | undefined>(
      { value: 5 },
      { value: 100.5 },
      { value: '200' },
      { value: null },
      undefined,
    ),
    path: fc.constantFrom<Value | undefined>(
      { value: '/prod/db' },
      { value: '/test' },
      { value: ['/prod/'] },
      undefined,
    ),
    answer: fc.constantFrom<Value | undefined>(
      ...[...MODES, ...FEATURE_STAGES, 'bogus', '', 0, true, ['live'], [], { live: 1, b: 2 }, null].map((value) => ({
        value,
      })),
      undefined,
    ),
  })
  .map((attributes) => {
    const present = Object.entries(attributes).filter((entry): entry is [string, Value] => entry[1] !== undefined);
    return {
      context: Object.fromEntries(present.map(([name, { value }]) => [name, value])),
      odd: present.flatMap(([, { odd }]) => odd ?? []),
    };
  });

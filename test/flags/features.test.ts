import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountsRule,
  changesAt,
  compileFlagd,
  FEATURE_FLOORS,
  FEATURE_STAGES,
  type FeatureStage,
  isLooserStage,
  loosestStage,
  percentageRule,
  resolveMode,
  restrictionFor,
  stageFor,
  stageRuleProblem,
  stagesOf,
  type StageTerms,
  State,
} from '../../flags/index.ts';
import { featureAfter, featureDirection } from '../../flags/feature-change.ts';
import { ACCOUNTS, contextsFor, FEATURE, termsArbitrary } from './feature-rules.ts';
import { NOW } from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const now = (): number => NOW;

function stateWith(terms: StageTerms, feature = FEATURE): State {
  const state = new State();
  state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
  state.put(`feature:${feature}`, { ...terms, ...LAST_CHANGE });
  state.epoch = 1;
  return state;
}

const stageIn = (state: State, context: object): FeatureStage =>
  stageFor(state, FEATURE, { context: context as Record<string, unknown>, now, organizationId: 'default' });

const FOR_ACME: StageTerms = { stage: 'shadow', targeting: accountsRule(['acme', 'globex'], 'gated') };

describe('the stage of a feature', () => {
  test('is that of its rule for the accounts that it names, and its own for everybody else', () => {
    const state = stateWith(FOR_ACME);
    expect(stageIn(state, { account_id: 'acme' })).toBe('gated');
    expect(stageIn(state, { account_id: 'initech' })).toBe('shadow');
    expect(stageIn(state, {})).toBe('shadow');
    expect(stageIn(state, { account_id: 7 })).toBe('dark');
    expect(stageIn(state, { account_id: 'acme', organization_id: 'other' })).toBe('dark');
    expect(stageIn(state, { account_id: 'acme', agent_id: '' })).toBe('dark');
  });

  test('is a floor on the mode, also for the guard itself, which has told of no account', () => {
    const state = stateWith(FOR_ACME);
    const asked = (context: object) => restrictionFor(state, { context: { feature: FEATURE, ...context }, now });
    expect(asked({ account_id: 'acme' })).toEqual({
      mode: 'approval_gated',
      cause: { kind: 'feature', feature: FEATURE, stage: 'gated' },
    });
    expect(asked({ account_id: 'initech' }).mode).toBe('draft_only');
    expect(asked({ account_id: ['acme'] }).mode).toBe('full_stop');
    expect(resolveMode(state, { feature: FEATURE }, now).mode).toBe('draft_only');
    expect(resolveMode(stateWith(FOR_ACME, 'another'), { feature: FEATURE }, now).mode).toBe('full_stop');
    const byAgent = { if: [{ '===': [{ var: 'agent_id' }, 'a'] }, 'live'] };
    const ruled = stateWith({ stage: 'dark', targeting: byAgent });
    expect(resolveMode(ruled, { feature: FEATURE, agentId: 'a' }, now).mode).toBe('live');
    expect(resolveMode(ruled, { feature: FEATURE, agentId: 'b' }, now).mode).toBe('full_stop');
  });

  test('is given to about the share of the accounts that its rule says, the same ones each time', () => {
    const shared = (percentage: number, feature = FEATURE): string[] => {
      const targeting = percentageRule(feature, percentage, { stage: 'live', otherwise: 'shadow' });
      const state = stateWith({ stage: 'shadow', targeting });
      return Array.from({ length: 1000 }, (_, i) => `account-${i}`).filter(
        (account_id) => stageIn(state, { account_id }) === 'live',
      );
    };
    const ten = shared(10);
    expect(ten.length).toBeGreaterThan(60);
    expect(ten.length).toBeLessThan(140);
    expect(shared(30)).toEqual(expect.arrayContaining(ten));
    expect(shared(10, 'another')).not.toEqual(ten);
    const state = stateWith({
      stage: 'shadow',
      targeting: percentageRule(FEATURE, 99, { stage: 'live', otherwise: 'gated' }),
    });
    expect(stageIn(state, {})).toBe('shadow');
  });

  test('changes with the time where its rule asks for it, and is dark while no time is known', () => {
    const timed = { if: [{ '<': [{ var: '$flagd.timestamp' }, NOW / 1000] }, 'shadow', 'live'] };
    const state = stateWith({ stage: 'dark', targeting: timed });
    expect(changesAt(state, NOW)).toBe(NOW + 1000);
    expect(changesAt(stateWith(FOR_ACME), NOW)).toBeNull();
    const at = (time: number | null) => stageFor(state, FEATURE, { context: {}, now: () => time });
    expect([at(NOW - 1), at(NOW), at(null)]).toEqual(['shadow', 'live', 'dark']);
  });

  test.each<[string, unknown, RegExp]>([
    ['answers with no stage', { if: [{ '===': [{ var: 'tier' }, 'gold'] }, 'lvie'] }, /"lvie", which is no stage/],
    [
      'shares out by its flag',
      {
        fractional: [
          ['live', 1],
          ['dark', 1],
        ],
      },
      /without what it shares out by/,
    ],
    ['names its flag', { if: [{ '===': [{ var: '$flagd.flagKey' }, 'x'] }, 'live'] }, /under two flags/],
    ['names its flag in a list', { if: [{ in: [{ var: ['$flagd.flagKey'] }, ['x']] }, 'live'] }, /under two flags/],
    ['is of no grammar', { filter: [] }, /where it needs an answer/],
  ])('has no rule that %s', (_, rule, problem) => {
    expect(stageRuleProblem(rule)).toMatch(problem);
    // One that is in the log all the same counts as dark, and as everything that it could have given.
    expect(stageIn(stateWith({ stage: 'live', targeting: rule }), { tier: 'silver' })).toBe(
      problem.source.includes('no stage') ? 'live' : 'dark',
    );
  });

  test('may be any that its rule can answer with', () => {
    expect(stagesOf(undefined)).toEqual(['dark']);
    expect(stagesOf({ stage: 'gated' })).toEqual(['gated']);
    expect(stagesOf(FOR_ACME)).toEqual(['shadow', 'gated']);
    expect(stagesOf({ stage: 'dark', targeting: { var: 'wish' } })).toEqual(FEATURE_STAGES);
    expect(
      loosestStage({ stage: 'dark', targeting: percentageRule('f', 1, { stage: 'live', otherwise: 'dark' }) }),
    ).toBe('live');
  });
});

describe('a change of a feature', () => {
  const direction = (before: StageTerms | undefined, after: StageTerms): string =>
    featureDirection(FEATURE, before, after);

  test('that gives anybody more is a loosening, whatever its rules', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(termsArbitrary, termsArbitrary, fc.array(contextsFor(false), { maxLength: 12 }), (a, b, contexts) => {
        const said = direction(a, b);
        seen.set(said, (seen.get(said) ?? 0) + 1);
        if (said === 'loosens') return;
        const [before, after] = [stateWith(a), stateWith(b)];
        for (const context of [...contexts, ...ACCOUNTS.map((account_id) => ({ account_id }))])
          expect({ a, b, context, gains: isLooserStage(stageIn(after, context), stageIn(before, context)) }).toEqual({
            a,
            b,
            context,
            gains: false,
          });
      }),
      { numRuns: 4000 },
    );
    for (const said of ['tightens', 'loosens']) expect(seen.get(said)).toBeGreaterThan(100);
  });

  test('that takes accounts out, makes a share smaller, or ends a rule for less takes no form', () => {
    const { stage } = FOR_ACME;
    const share = (percentage: number) => percentageRule(FEATURE, percentage, { stage: 'live', otherwise: 'gated' });
    expect(direction(FOR_ACME, { stage, targeting: accountsRule(['acme'], 'gated') })).toBe('tightens');
    expect(direction(FOR_ACME, { stage, targeting: accountsRule(['acme', 'initech'], 'gated') })).toBe('loosens');
    expect(direction(FOR_ACME, { stage, targeting: accountsRule(['acme'], 'live') })).toBe('loosens');
    expect(direction(FOR_ACME, { stage })).toBe('tightens');
    expect(direction(FOR_ACME, { stage: 'dark' })).toBe('tightens');
    expect(direction({ stage: 'gated', targeting: share(20) }, { stage: 'gated', targeting: share(10) })).toBe(
      'tightens',
    );
    expect(direction({ stage: 'gated', targeting: share(10) }, { stage: 'gated', targeting: share(20) })).toBe(
      'loosens',
    );
    expect(direction({ stage: 'dark', targeting: accountsRule(['a'], 'live') }, { stage: 'live' })).toBe('loosens');
    expect(direction(FOR_ACME, structuredClone(FOR_ACME))).toBe('neutral');
    expect(direction(undefined, { stage: 'dark' })).toBe('neutral');
  });

  test('that asks for less to be shown is a loosening, and one that asks for more is none', () => {
    const terms = (runs: number, days = 7, agreement = 0.9) => ({
      stage: 'shadow' as const,
      requirement: { runs, days, agreement },
    });
    expect(featureDirection(FEATURE, { stage: 'shadow' }, terms(50))).toBe('tightens');
    expect(featureDirection(FEATURE, terms(50), terms(60))).toBe('tightens');
    expect(featureDirection(FEATURE, terms(50), terms(60, 6))).toBe('loosens');
    expect(featureDirection(FEATURE, terms(50), terms(50, 7, 0.8))).toBe('loosens');
    expect(featureDirection(FEATURE, terms(50), { stage: 'shadow' })).toBe('loosens');
    expect(featureDirection(FEATURE, terms(50), { ...terms(60), stage: 'gated' })).toBe('loosens');
    expect(featureDirection(FEATURE, terms(50), { ...terms(50), stage: 'dark' })).toBe('tightens');
  });

  test('keeps the requirement unless it names another, and counts evidence from when the feature came into shadow', () => {
    const requirement = { runs: 5, days: 1, agreement: 0 };
    let terms = featureAfter(undefined, { stage: 'dark', requirement }, 't0');
    expect(terms).toEqual({ stage: 'dark', requirement });
    const to = (said: StageTerms, at: string) => (terms = featureAfter(terms, said, at)).shadow_since;
    expect(to({ stage: 'shadow' }, 't1')).toBe('t1');
    expect(to({ stage: 'shadow', targeting: accountsRule(['acme'], 'gated') }, 't2')).toBe('t1');
    expect(to({ stage: 'gated' }, 't3')).toBe('t1');
    expect(to({ stage: 'live' }, 't4')).toBe('t1');
    expect(to({ stage: 'shadow' }, 't5')).toBe('t5');
    expect(to({ stage: 'dark' }, 't6')).toBeUndefined();
    expect(to({ stage: 'gated' }, 't7')).toBeUndefined();
    expect(terms.requirement).toEqual(requirement);
    expect(featureAfter(terms, { stage: 'gated', requirement: null }, 't8').requirement).toBeUndefined();
  });
});

/** The stage and the mode by the compiled definition, and directly, over random rules and contexts. */
function compare(mutate: (definition: string) => string, numRuns: number) {
  const seen = new Map<string, number>();
  const details = fc.check(
    fc.property(termsArbitrary, fc.array(contextsFor(true), { minLength: 20, maxLength: 20 }), (terms, contexts) => {
      const state = stateWith(terms);
      const core = new FlagdCore(undefined, quiet);
      core.setConfigurations(mutate(JSON.stringify(compileFlagd(state, { organizationId: 'default' }))));
      for (const context of contexts) {
        const stage = stageIn(state, context);
        const ask = (flag: string, more = {}): unknown =>
          core.resolveStringEvaluation(flag, 'default', { ...context, ...more } as never).value;
        expect({ terms, context, stage: ask(`kill-switch.feature.${FEATURE}`) }).toEqual({ terms, context, stage });
        const { mode } = restrictionFor(state, { context: { ...context, feature: FEATURE }, now });
        expect({ terms, context, mode: ask('kill-switch.mode', { feature: FEATURE }) }).toEqual({
          terms,
          context,
          mode,
        });
        const isKnown = context['agent_id'] === undefined || context['agent_id'] === 'a';
        if (isKnown) expect(mode).toBe(FEATURE_FLOORS[stage]);
        seen.set(stage, (seen.get(stage) ?? 0) + 1);
      }
    }),
    { numRuns, endOnFailure: true },
  );
  return { details, seen };
}

describe('the compiled definition of a feature with a rule', () => {
  test('answers for the stage and for the mode as direct resolution does, whatever a context holds', {
    timeout: 180_000,
  }, () => {
    const { details, seen } = compare((text) => text, 300);
    expect(details.failed, fc.defaultReportMessage(details)).toBe(false);
    for (const stage of FEATURE_STAGES) expect(seen.get(stage), `${stage} was never compared`).toBeGreaterThan(20);
  });

  test.each<[string, (text: string) => string]>([
    ['takes another for the share', (text) => text.replaceAll('kill-switch.feature.returns.auto:', 'other:')],
    ['forgets an account', (text) => text.replaceAll('"acme"', '"acm"')],
    ['looks at no types', (text) => text.replaceAll('{"if":[{"===":', '{"if":[true,false,{"===":')],
  ])('is found to differ when it %s', (_, mutate) => {
    expect(compare(mutate, 3000).details.failed).toBe(true);
  });
});

import { FlagdCore, type FlagdCoreOptions } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  compileFlagd,
  definitionProblems,
  type FlagdDefinition,
  MODES,
  restrictionFor,
  State,
} from '../../flags/index.ts';
import {
  contextArbitrary,
  IDS,
  NOW,
  ODD_CONTEXTS,
  putKill,
  putRule,
  stateArbitrary,
  WINDOW_ENDS,
} from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

function evaluator(definition: FlagdDefinition | string, options?: FlagdCoreOptions): FlagdCore {
  const core = new FlagdCore(undefined, quiet, options);
  core.setConfigurations(typeof definition === 'string' ? definition : JSON.stringify(definition));
  return core;
}

const modeOf = (core: FlagdCore, context: object = {}): unknown =>
  core.resolveStringEvaluation('kill-switch.mode', 'caller default', context as never).value;

function stateIn(mode: (typeof MODES)[number], targeting: unknown = null): State {
  const state = new State();
  state.put('mode', { mode, targeting, ...LAST_CHANGE });
  state.epoch = 1;
  return state;
}

/**
 * Compiled and direct resolution, compared over random states and contexts; `seen` counts the modes that were compared.
 */
function compare(mutate: (definition: string) => string, numRuns: number, options?: FlagdCoreOptions) {
  const seen = new Map<string, number>();
  let compared = 0;
  const details = fc.check(
    fc.property(
      stateArbitrary,
      fc.array(contextArbitrary, { minLength: 25, maxLength: 25 }),
      fc.constantFrom('default', undefined),
      fc.constantFrom(0, WINDOW_ENDS * 1000 - 1, WINDOW_ENDS * 1000, NOW),
      (state, contexts, organizationId, now) => {
        vi.setSystemTime(now); // flagd's evaluator reads this machine's clock, which is also the store's here
        const core = evaluator(mutate(JSON.stringify(compileFlagd(state, { organizationId }))), options);
        for (const { context, odd } of contexts) {
          const { mode } = restrictionFor(state, { context, now: () => now, organizationId });
          const answer = core.resolveStringEvaluation('kill-switch.mode', 'caller default', context as never);
          expect({ base: state.mode, context, ...answer }).toMatchObject({ value: mode, variant: mode });
          if (odd.length === 0) seen.set(mode, (seen.get(mode) ?? 0) + 1);
          compared += 1;
        }
      },
    ),
    { numRuns, endOnFailure: true },
  );
  return { details, seen, compared };
}

describe('the compiled definition, evaluated by flagd-core', () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterAll(() => void vi.useRealTimers());

  test.each([
    { how: 'compiled to JavaScript', options: {}, numRuns: 200 },
    { how: 'interpreted', options: { disableDynamicCodeGeneration: true }, numRuns: 60 },
  ])('answers random contexts as direct resolution does ($how)', ({ options, numRuns }) => {
    const { details, seen, compared } = compare((text) => text, numRuns, options);
    expect(details.failed, fc.defaultReportMessage(details)).toBe(false);
    expect(compared).toBe(numRuns * 25);
    for (const mode of MODES) expect(seen.get(mode), `${mode} was never compared`).toBeGreaterThan(0);
  });

  test.each([{}, { disableDynamicCodeGeneration: true }])(
    'judges a rule’s condition by the kind of an attribute also where its value is empty or zero (%j)',
    (options) => {
      const state = stateIn('live');
      putRule(state, 'text', { target: 'all', mode: 'paused', when: { '===': [{ var: 'tier' }, 'gold'] } });
      putRule(state, 'number', { target: 'all', mode: 'read_only', when: { '>': [{ var: ['amount', 0] }, 100] } });
      const core = evaluator(compileFlagd(state), options);
      const contexts = [
        { tier: '' },
        { amount: 0 },
        { tier: '', amount: 0 },
        { tier: 0 },
        { amount: '' },
        { tier: false },
      ];
      expect(contexts.map((context) => modeOf(core, context))).toEqual([
        ...['live', 'live', 'live'],
        ...['paused', 'read_only', 'paused'],
      ]);
    },
  );

  test.each<[string, (definition: string) => string]>([
    ['forgets the parents', (text) => text.replace(/,\{"var":"lineage_\w+"\}\]\}/g, ']}')],
    ['forgets action patterns', (text) => text.replace(/("starts_with":\[\{"var":"action"\},")(?!")/g, '$1no such ')],
    ['takes an unknown feature for live', (text) => text.replace('{"!==":[{"var":"feature"},null]}', 'false')],
    ['lets every organization in', (text) => text.replace('{"!==":[{"var":"organization_id"},"default"]}', 'false')],
    ['does not look at types', (text) => text.replaceAll('{"if":[{"===":', '{"if":[true,false,{"===":')],
    ['lifts a pause', (text) => text.replaceAll('"paused"', '"live"')],
  ])('is found to differ from direct resolution when it %s', (_, mutate) => {
    expect(compare(mutate, 5000).details.failed).toBe(true); // ends at the first difference
  });

  test.each([{}, { disableDynamicCodeGeneration: true }])(
    'stops whoever cannot be told apart, with a value and not with an error (%j)',
    (options) => {
      expect(ODD_CONTEXTS.length).toBeGreaterThan(100);
      const state = stateIn('live');
      const core = evaluator(compileFlagd(state), options);
      expect(modeOf(core)).toBe('live');
      for (const { context } of ODD_CONTEXTS) {
        expect(restrictionFor(state, { context, now: () => NOW }).mode, JSON.stringify(context)).toBe('full_stop');
        expect(modeOf(core, context), JSON.stringify(context)).toBe('full_stop');
      }
    },
  );

  test.each([
    ['a function', () => 'a'],
    ['a symbol', Symbol('a')],
    ['a date', new Date(0)],
    ['a big number', 7n],
    ['not a number', Number.NaN],
    ['a string object', new String('a')],
    ['an object without a prototype', Object.create(null)],
  ])('stops an agent whose id is %s', (_, agent_id) => {
    expect(modeOf(evaluator(compileFlagd(stateIn('live'))), { agent_id })).toBe('full_stop');
  });

  test('takes every id verbatim', () => {
    for (const id of IDS) {
      const state = stateIn('live');
      putKill(state, `agent:${id}`, 'full_stop');
      const core = evaluator(compileFlagd(state));
      for (const other of IDS) expect(modeOf(core, { agent_id: other })).toBe(other === id ? 'full_stop' : 'live');
      expect(modeOf(core, { agent_id: 'child', lineage_agents: ['parent', id] })).toBe('full_stop');
    }
  });

  test('is full_stop, and does not fail, where an attribute is not of the kind that the rule compares it with', () => {
    const state = stateIn('live', { if: [{ '<': [{ var: ['amount', 0] }, 10] }, 'live', 'read_only'] });
    putKill(state, 'agent:a', 'full_stop');
    const core = evaluator(compileFlagd(state));
    expect(modeOf(core, { agent_id: 'b', amount: 5 })).toBe('live');
    expect(modeOf(core, { agent_id: 'b', amount: 50 })).toBe('read_only');
    expect(modeOf(core, { agent_id: 'a', amount: 5 })).toBe('full_stop');
    for (const amount of ['not a number', '5', true, [5], { 5: 5 }]) {
      expect(modeOf(core, { agent_id: 'b', amount }), String(amount)).toBe('full_stop');
      const { mode } = restrictionFor(state, { context: { agent_id: 'b', amount }, now: () => NOW });
      expect(mode, String(amount)).toBe('full_stop');
    }
  });
});

describe('the compiled definition', () => {
  test('passes flagd’s own schema, whatever the state', () => {
    fc.assert(
      fc.property(stateArbitrary, fc.option(fc.nat(), { nil: undefined }), (state, validUntil) => {
        const definition = compileFlagd(state, { organizationId: 'default', validUntil });
        expect(definitionProblems(JSON.stringify(definition))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('holds one list for each mode and type of target, so a further kill adds only its id', () => {
    const state = stateIn('live');
    const sizeWith = (count: number): number => {
      for (let i = 0; i < count; i++) putKill(state, `agent:agent-${1000 + i}`, 'full_stop');
      return JSON.stringify(compileFlagd(state)).length;
    };
    const [few, many] = [sizeWith(1), sizeWith(1000)];
    expect(many - few).toBe(999 * '"agent-1000",'.length);
    putKill(state, 'run:r', 'full_stop');
    putKill(state, 'agent:another', 'paused');
    expect(JSON.stringify(compileFlagd(state)).match(/"some":\[\{"merge":\[\[/g)).toHaveLength(3);
  });

  test('has no rule where everyone is stopped', () => {
    expect(compileFlagd(stateIn('full_stop')).flags['kill-switch.mode']).toEqual({
      state: 'ENABLED',
      variants: Object.fromEntries(MODES.map((mode) => [mode, mode])),
      defaultVariant: 'full_stop',
    });
  });

  test('has full_stop as the default variant, for an evaluator that does not understand its targeting', () => {
    expect(compileFlagd(stateIn('live')).flags['kill-switch.mode']?.defaultVariant).toBe('full_stop');
  });

  test('says in its metadata its epoch, its organization and its end', () => {
    const state = stateIn('live');
    state.epoch = 7;
    expect(compileFlagd(state).metadata).toEqual({ flagSetId: 'kill-switch', epoch: 7 });
    expect(compileFlagd(state, { organizationId: 'acme', validUntil: 99 }).metadata).toEqual({
      flagSetId: 'kill-switch',
      epoch: 7,
      organization_id: 'acme',
      valid_until: 99,
    });
  });

  test.each([
    ['its only one', 'a', ['a'], false, {}],
    ['the first one, which no entry lists', 'a', [], false, {}],
    ['a later one', 'b', ['a', 'b'], false, {}],
    ['recovered from another', 'b', ['a', 'b'], true, {}],
    ['recovered from nothing', 'a', ['a'], true, { from_nothing: true }],
  ] as const)('says in its metadata which log this is: %s', (_what, generation, generations, recovered, more) => {
    const state = stateIn('live');
    state.put('control', { format: 1, generation, generations: [...generations], recovered, ...LAST_CHANGE });
    expect(compileFlagd(state).metadata).toStrictEqual({
      flagSetId: 'kill-switch',
      epoch: 1,
      generation,
      first_generation: 'a',
      ...more,
    });
  });

  test('serves a flag of the switch that needs no rule as it is', () => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'gated', ...LAST_CHANGE });
    const { flags } = compileFlagd(state);
    expect(flags['kill-switch.feature.refunds']).toMatchObject({ state: 'ENABLED', defaultVariant: 'gated' });
    expect(flags['kill-switch.feature.refunds']).not.toHaveProperty('targeting');
  });

  test('gives every flag of the switch its safe value when the dead man is due', () => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    state.put('limit:refund.max', { value: 200, ...LAST_CHANGE });
    state.put('autonomy:email.send', { stage: 'trusted', ...LAST_CHANGE });
    const answers = (validUntil: number): unknown[] => {
      const core = evaluator(compileFlagd(state, { validUntil }));
      const context = { $flagd: { timestamp: 1 } } as never; // a context cannot turn back the clock
      return [
        modeOf(core, context),
        core.resolveStringEvaluation('kill-switch.feature.refunds', 'live', context).value,
        core.resolveNumberEvaluation('kill-switch.limit.refund.max', 1e9, context).value,
        core.resolveStringEvaluation('kill-switch.autonomy.email.send', 'trusted', context).value,
      ];
    };
    const inTheYear2100 = 4_102_444_800;
    expect(answers(inTheYear2100)).toEqual(['live', 'live', 200, 'trusted']);
    expect(answers(1)).toEqual(['full_stop', 'dark', 0, 'human_in_the_loop']);
    expect(answers(0)).toEqual(['full_stop', 'dark', 0, 'human_in_the_loop']);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5])('refuses %s as an end', (validUntil) => {
    expect(() => compileFlagd(stateIn('live'), { validUntil })).toThrow(/whole number of seconds/);
  });
});

describe('the app’s own flags in a compiled definition', () => {
  const flag = (changes: object = {}): object => ({
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: 'off',
    ...changes,
  });
  const withFlags = (definition: Record<string, unknown>, targeting: unknown = null): FlagdDefinition => {
    const state = stateIn('live', targeting);
    state.put('flags', { definition, ...LAST_CHANGE });
    return compileFlagd(state);
  };

  test('keep their shared rules and the metadata of their set', () => {
    const core = evaluator(
      withFlags({
        $evaluators: { gold: { '===': [{ var: 'tier' }, 'gold'] }, vip: { and: [{ $ref: 'gold' }, { var: 'vip' }] } },
        metadata: { version: '3', owner: 'set' },
        flags: { discount: flag({ targeting: { if: [{ $ref: 'vip' }, 'on'] }, metadata: { owner: 'flag' } }) },
      }),
    );
    const details = core.resolveBooleanEvaluation('discount', false, { tier: 'gold', vip: true });
    expect(details).toMatchObject({
      value: true,
      flagMetadata: { flagSetId: 'kill-switch', epoch: 1, version: '3', owner: 'flag' },
    });
    expect(core.resolveBooleanEvaluation('discount', true, { tier: 'tin', vip: true }).value).toBe(false);
    expect(core.resolveStringEvaluation('kill-switch.mode', '', {}).flagMetadata).toEqual({
      flagSetId: 'kill-switch',
      epoch: 1,
    });
  });

  test('cannot reach into the switch’s flags by naming a shared rule', () => {
    const $evaluators = { shared: { '===': [1, 1] } };
    const core = evaluator(withFlags({ $evaluators, flags: {} }, { if: [{ $ref: 'shared' }, 'live'] }));
    expect(modeOf(core)).toBe('full_stop');
  });

  test.each<[string, unknown]>([
    ['whose default is no variant', flag({ defaultVariant: 'green' })],
    ['whose state is none', flag({ state: 'ON' })],
    ['whose variants are a list', flag({ variants: ['on', 'off'] })],
    ['whose metadata is nested', flag({ metadata: { a: {} } })],
    ['with an unknown operation', flag({ targeting: { try: ['on'] } })],
    ['with a rule that refers to itself', flag({ targeting: { if: [{ $ref: 'loop' }, 'on'] } })],
    ['that is a word', 'on'],
    ['that is null', null],
  ])('leave out one %s, and say so, because flagd would refuse the whole definition with it', (_, broken) => {
    const $evaluators = { loop: { '!': [{ $ref: 'loop' }] } };
    const definition = withFlags({ $evaluators, flags: { broken, whole: flag(), __proto__x: flag() } });
    expect(Object.keys(definition.flags)).toEqual(['whole', '__proto__x', 'kill-switch.mode']);
    expect(definition.metadata).toEqual({ flagSetId: 'kill-switch', epoch: 1, left_out: 'broken' });
  });

  test('never stand in the place of a flag of the switch', () => {
    const live = flag({ variants: { live: 'live' }, defaultVariant: 'live' });
    const definition = withFlags({ flags: { 'kill-switch.mode': live, 'kill-switch.feature.refunds': live } });
    expect(Object.keys(definition.flags)).toEqual(['kill-switch.mode']);
    expect(definition.metadata['left_out']).toBe('kill-switch.mode, kill-switch.feature.refunds');
  });

  test('may have names that every JavaScript object has as members', () => {
    const definition = withFlags(
      JSON.parse(`{"flags":{"__proto__":${JSON.stringify(flag())},"constructor":${JSON.stringify(flag())}}}`),
    );
    const core = evaluator(definition);
    for (const key of ['__proto__', 'constructor']) expect(core.resolveBooleanEvaluation(key, true).value).toBe(false);
  });

  test.each([{}, { flags: null }, { flags: [] }, { flags: 'x' }])('are none in %j', (definition) => {
    expect(Object.keys(withFlags(definition).flags)).toEqual(['kill-switch.mode']);
  });
});

import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { type Client, OpenFeature } from '@openfeature/server-sdk';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  compileFlagd,
  conditionProblem,
  type FlagdDefinition,
  type FlagdFlag,
  MODES,
  restrictionFor,
  ruleProblem,
  stageFor,
  State,
} from '../../flags/index.ts';
import { QUIET_LOGGER } from '../../flags/flagd-schema.ts';
import safeDefinition from '../../flags/kill-switch.flagd.json' with { type: 'json' };
import { FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { contextArbitrary, IDS, ODD_CONTEXTS, putKill, putRule, stateArbitrary } from '../flags/arbitraries.ts';
import { type FlagdServer, hasFlagd, startFlagd } from '../servers/index.ts';
import { CONTEXT, REFUSED_RULES, SOUND_RULES } from '../flags/base-rules.ts';
import { contextsFor, FEATURE, termsArbitrary } from '../flags/feature-rules.ts';
import { FEATURE_STAGES } from '../../flags/stages.ts';
import { conditionArbitrary, ruleArbitrary, ruleContextArbitrary } from '../flags/rule-arbitraries.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

interface Answer {
  readonly key: string;
  readonly value?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly errorCode?: string;
}

/** What flagd answers for all flags over HTTP (OFREP). */
async function askAll({ ofrepPort }: FlagdServer, context: unknown): Promise<Map<string, Answer>> {
  const response = await fetch(`http://127.0.0.1:${ofrepPort}/ofrep/v1/evaluate/flags`, {
    method: 'POST',
    body: JSON.stringify({ context }),
  });
  const { flags } = (await response.json()) as { flags: Answer[] };
  return new Map(flags.map((answer) => [answer.key, answer]));
}

/** A flagd that serves this definition; it says that it is ready a moment before it has read its file. */
async function serving(definition: { readonly flags: object }): Promise<FlagdServer> {
  const flagd = await startFlagd({ flags: definition });
  const count = Object.keys(definition.flags).length;
  await expect.poll(async () => (await askAll(flagd, {})).size, { timeout: 20_000, interval: 20 }).toBe(count);
  return flagd;
}

const ask = async (flagd: FlagdServer, context: unknown, flagKey = 'kill-switch.mode'): Promise<Answer | undefined> =>
  (await askAll(flagd, context)).get(flagKey);

/** The mode from a client of the official provider, without anything of this package, and with a careless default. */
async function vanilla(flagd: FlagdServer, resolverType: 'rpc' | 'in-process'): Promise<Client> {
  const domain = `${resolverType} ${flagd.port}`;
  const port = resolverType === 'rpc' ? flagd.port : flagd.syncPort;
  await OpenFeature.setProviderAndWait(domain, new FlagdProvider({ host: flagd.host, port, resolverType, tls: false }));
  onTestFinished(() => OpenFeature.clearProviders());
  return OpenFeature.getClient(domain);
}

const modeOf = (client: Client, context: Record<string, string>): Promise<string> =>
  client.getStringValue('kill-switch.mode', 'live', context);

const stateIn = (mode: (typeof MODES)[number], targeting: object | null = null): State => {
  const state = new State();
  state.put('mode', { mode, targeting, ...LAST_CHANGE });
  state.epoch = 1;
  return state;
};

describe.skipIf(!hasFlagd)('a compiled definition, asked of a real flagd', () => {
  test('answers random contexts as direct resolution does, odd types included', async () => {
    const seed = Date.now();
    const states = [...fc.sample(stateArbitrary, { seed, numRuns: 20 }), ...MODES.map((mode) => stateIn(mode))];
    // One definition with the mode flag of every state under a name of its own, so that flagd reads one file.
    const flags = states.map((state, i) => {
      const flag = compileFlagd(state, { organizationId: 'default' }).flags['kill-switch.mode'] as FlagdFlag;
      return [`mode-${i}`, flag] as const;
    });
    const flagd = await serving({ flags: Object.fromEntries(flags) });
    const seen = new Map<string, number>();
    for (const { context, odd } of [...ODD_CONTEXTS, ...fc.sample(contextArbitrary, { seed, numRuns: 60 })]) {
      const answers = await askAll(flagd, context);
      for (const [i, state] of states.entries()) {
        const { mode } = restrictionFor(state, {
          context: asGoSees(context),
          now: () => Date.now(),
          organizationId: 'default',
        });
        expect({ seed, i, context, value: answers.get(`mode-${i}`)?.value }).toEqual({ seed, i, context, value: mode });
        if (odd.some((name) => name !== 'null' && name !== 'null lineage')) expect(mode).toBe('full_stop');
        if (odd.length === 0) seen.set(mode, (seen.get(mode) ?? 0) + 1);
      }
    }
    for (const mode of MODES) expect(seen.get(mode), `${mode} was never asked for`).toBeGreaterThan(0);
  });

  test('answers the rule of a base mode as direct resolution does, or is full_stop as that is', async () => {
    const rules = [
      ...Object.entries(SOUND_RULES),
      ...Object.entries(REFUSED_RULES).map(([name, [rule]]) => [name, rule] as const),
    ];
    const states = rules.map(([name, targeting]) => [name, stateIn('read_only', targeting)] as const);
    const compiled = states.map(([, state]) => compileFlagd(state).flags['kill-switch.mode'] as FlagdFlag);
    const flagd = await serving({ flags: Object.fromEntries(compiled.map((flag, i) => [`mode-${i}`, flag])) });
    const answers = await askAll(flagd, CONTEXT);
    for (const [i, [name, state]] of states.entries()) {
      const { mode } = restrictionFor(state, { context: CONTEXT, now: () => Date.now() });
      // The one rule that asks for the name of its flag has its own here.
      const value = name === 'the name of the flag' ? 'live' : answers.get(`mode-${i}`)?.value;
      expect({ name, value, mode }).toEqual({ name, value: mode, mode: name in SOUND_RULES ? 'live' : 'full_stop' });
    }
  });

  test('answers any rule that a base mode may have as direct resolution does, whatever a context holds', async () => {
    const seed = Date.now();
    const rules = fc.sample(ruleArbitrary, { seed, numRuns: 40 });
    for (const rule of rules) expect({ seed, rule, problem: ruleProblem(rule) }).toEqual({ seed, rule, problem: null });
    const states = rules.map((rule) => stateIn('approval_gated', rule as object));
    const compiled = states.map((state) => compileFlagd(state));
    const flags = compiled.map(({ flags: { 'kill-switch.mode': flag } }, i) => [`mode-${i}`, flag] as const);
    const flagd = await serving({ flags: Object.fromEntries(flags) });
    const cores = compiled.map((definition) => {
      const core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
      core.setConfigurations(JSON.stringify(definition));
      return core;
    });
    const seen = new Map<string, number>();
    for (const context of fc.sample(ruleContextArbitrary, { seed, numRuns: 80 })) {
      const answers = await askAll(flagd, context);
      for (const [i, state] of states.entries()) {
        const { mode } = restrictionFor(state, { context: asGoSees(context), now: () => Date.now() });
        const go = answers.get(`mode-${i}`)?.value;
        const { value: js } = cores[i]!.resolveStringEvaluation(
          'kill-switch.mode',
          'failed',
          asGoSees(context) as never,
        );
        const rule = rules[i];
        expect({ seed, rule, context, go, js }).toEqual({ seed, rule, context, go: mode, js: mode });
        seen.set(mode, (seen.get(mode) ?? 0) + 1);
      }
    }
    for (const mode of MODES) expect(seen.get(mode), `${mode} was never asked for`).toBeGreaterThan(0);
  });

  test('answers for a feature with a rule as direct resolution does, by its own flag and by the mode', async () => {
    const seed = Date.now();
    const states = fc.sample(termsArbitrary, { seed, numRuns: 40 }).map((terms) => {
      const state = stateIn('live');
      state.put(`feature:${FEATURE}`, { ...terms, ...LAST_CHANGE });
      return { terms, state };
    });
    const flags = states.flatMap(({ state }, i) => {
      const { flags: of } = compileFlagd(state, { organizationId: 'default' });
      return [
        [`feature-${i}`, of[`kill-switch.feature.${FEATURE}`]],
        [`mode-${i}`, of['kill-switch.mode']],
      ];
    });
    const flagd = await serving({ flags: Object.fromEntries(flags) });
    const seen = new Map<string, number>();
    for (const sampled of fc.sample(contextsFor(true), { seed, numRuns: 120 })) {
      const context = { ...sampled, feature: FEATURE };
      const answers = await askAll(flagd, context);
      for (const [i, { terms, state }] of states.entries()) {
        const inquiry = { context: asGoSees(context), now: () => Date.now(), organizationId: 'default' };
        const stage = stageFor(state, FEATURE, inquiry);
        const { mode } = restrictionFor(state, inquiry);
        const answered = { stage: answers.get(`feature-${i}`)?.value, mode: answers.get(`mode-${i}`)?.value };
        expect({ seed, terms, context, answered }).toEqual({ seed, terms, context, answered: { stage, mode } });
        seen.set(stage, (seen.get(stage) ?? 0) + 1);
      }
    }
    for (const stage of FEATURE_STAGES) expect(seen.get(stage), `${stage} was never asked for`).toBeGreaterThan(0);
  });

  test('answers any condition that a rule may have as direct resolution does, whatever a context holds', async () => {
    const seed = Date.now();
    const conditions = fc.sample(conditionArbitrary, { seed, numRuns: 40 });
    const states = conditions.map((when) => {
      expect({ seed, when, problem: conditionProblem(when) }).toEqual({ seed, when, problem: null });
      const state = stateIn('live');
      putRule(state, 'r', { target: 'all', mode: 'paused', when });
      return state;
    });
    const compiled = states.map((state) => compileFlagd(state));
    const flags = compiled.map(({ flags: { 'kill-switch.mode': flag } }, i) => [`mode-${i}`, flag] as const);
    const flagd = await serving({ flags: Object.fromEntries(flags) });
    const seen = new Map<string, number>();
    for (const context of fc.sample(ruleContextArbitrary, { seed, numRuns: 80 })) {
      const answers = await askAll(flagd, context);
      for (const [i, state] of states.entries()) {
        const { mode } = restrictionFor(state, { context: asGoSees(context), now: () => Date.now() });
        const go = answers.get(`mode-${i}`)?.value;
        expect({ seed, when: conditions[i], context, go }).toEqual({ seed, when: conditions[i], context, go: mode });
        seen.set(mode, (seen.get(mode) ?? 0) + 1);
      }
    }
    for (const mode of ['live', 'paused']) expect(seen.get(mode), `${mode} was never answered`).toBeGreaterThan(0);
  });

  test('opens and closes a rule’s window by its own clock, to the second', async () => {
    const second = Math.floor(Date.now() / 1000);
    const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
    const state = stateIn('live');
    const window = { kind: 'once', from: iso(second + 4), until: iso(second + 7), drain_ms: 2000 } as const;
    putRule(state, 'r', { target: 'action:db.*', mode: 'read_only', window });
    const flagd = await serving(compileFlagd(state));
    const seen: string[] = [];
    while (Date.now() / 1000 < second + 8.5) {
      const before = Date.now();
      const { value } = (await ask(flagd, { action: 'db.migrate' })) ?? {};
      const { mode } = restrictionFor(state, { context: { action: 'db.migrate' }, now: () => before });
      // While the second turns, flagd may have looked at its clock just after this process did.
      if (Math.floor(before / 1000) === Math.floor(Date.now() / 1000)) expect(value).toBe(mode);
      if (seen.at(-1) !== mode) seen.push(mode);
    }
    expect(seen).toEqual(['live', 'paused', 'read_only', 'live'].slice(-seen.length));
    expect(seen.length).toBeGreaterThanOrEqual(3);
  });

  test('takes null for absent, as flagd does', async () => {
    const state = stateIn('live');
    const flagd = await serving(compileFlagd(state));
    expect((await ask(flagd, { agent_id: null, lineage_runs: null }))?.value).toBe('live');
    expect((await ask(flagd, { agent_id: 'a', lineage_runs: ['r', null] }))?.value).toBe('full_stop');
    // That is why the package's own provider checks the context before it asks.
    const provider = new FlagdKillSwitchProvider({ port: flagd.port });
    await OpenFeature.setProviderAndWait('own', provider);
    onTestFinished(() => OpenFeature.clearProviders());
    const client = OpenFeature.getClient('own');
    expect(await client.getStringValue('kill-switch.mode', 'live', { agent_id: 'a' })).toBe('live');
    const details = await client.getStringDetails('kill-switch.mode', 'live', { agent_id: null } as never);
    expect(details).toMatchObject({ value: 'full_stop', flagMetadata: { cause: 'identity' } });
  });

  test.each(['rpc', 'in-process'] as const)(
    'stops the killed agent and its children for a client of the official provider (%s)',
    async (resolverType) => {
      const state = stateIn('live');
      for (const id of IDS) putKill(state, `agent:${id}`, 'full_stop');
      const flagd = await serving(compileFlagd(state));
      const client = await vanilla(flagd, resolverType);
      for (const id of IDS) expect(await modeOf(client, { agent_id: id }), id).toBe('full_stop');
      const child = { agent_id: 'child', lineage_agents: ['parent', 'a:b'] } as never;
      expect(await modeOf(client, child)).toBe('full_stop');
      expect(await modeOf(client, { agent_id: 'another' })).toBe('live');
      expect((await client.getStringDetails('kill-switch.mode', 'live', {})).flagMetadata).toEqual({
        flagSetId: 'kill-switch',
        epoch: 1,
      });
    },
  );

  test('serves features, limits, autonomy and the app’s own flags beside the mode, and one bad flag of the app does not spoil them', async () => {
    const state = stateIn('read_only');
    state.put('feature:__proto__', { stage: 'gated', ...LAST_CHANGE });
    state.put('limit:refund.max', { value: 0.5, ...LAST_CHANGE });
    state.put('autonomy:email.send', { stage: 'trusted', ...LAST_CHANGE });
    const colours = { red: 'red', blue: 'blue' };
    const targeting = { if: [{ $ref: 'gold' }, 'red'] };
    state.put('flags', {
      definition: {
        $evaluators: { gold: { '===': [{ var: 'tier' }, 'gold'] } },
        flags: {
          colour: { state: 'ENABLED', variants: colours, defaultVariant: 'blue', targeting },
          broken: { state: 'ENABLED', variants: colours, defaultVariant: 'green' },
          'kill-switch.mode': { state: 'ENABLED', variants: { live: 'live' }, defaultVariant: 'live' },
        },
      },
      ...LAST_CHANGE,
    });
    const flagd = await serving(compileFlagd(state));
    const answers = await askAll(flagd, { tier: 'gold' });
    expect(Object.fromEntries([...answers].map(([key, { value }]) => [key, value]))).toEqual({
      'kill-switch.mode': 'read_only',
      'kill-switch.feature.__proto__': 'gated',
      'kill-switch.limit.refund.max': 0.5,
      'kill-switch.autonomy.email.send': 'trusted',
      colour: 'red',
    });
    expect((await ask(flagd, {}, 'colour'))?.value).toBe('blue');
    expect(answers.get('colour')?.metadata).toMatchObject({ left_out: 'broken, kill-switch.mode' });
  });

  test('gives every flag its safe value from the second at which the dead man is due', async () => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    state.put('limit:refund.max', { value: 200, ...LAST_CHANGE });
    state.put('autonomy:email.send', { stage: 'trusted', ...LAST_CHANGE });
    const now = Math.floor(Date.now() / 1000);
    const served = (definition: FlagdDefinition): Promise<unknown[]> =>
      serving(definition).then(async (flagd) => {
        const answers = await askAll(flagd, { $flagd: { timestamp: 1 } }); // a context cannot turn back the clock
        const names = ['mode', 'feature.refunds', 'limit.refund.max', 'autonomy.email.send'];
        return names.map((name) => answers.get(`kill-switch.${name}`)?.value);
      });
    expect(await served(compileFlagd(state, { validUntil: now + 60 }))).toEqual(['live', 'live', 200, 'trusted']);
    expect(await served(compileFlagd(state, { validUntil: now }))).toEqual([
      'full_stop',
      'dark',
      0,
      'human_in_the_loop',
    ]);
  });

  test('serves 20,000 kills', async () => {
    const state = stateIn('live');
    for (let i = 0; i < 20_000; i++) putKill(state, `agent:agent-${i}`, 'full_stop');
    const flagd = await serving(compileFlagd(state));
    expect((await ask(flagd, { agent_id: 'agent-19999' }))?.value).toBe('full_stop');
    expect((await ask(flagd, { agent_id: 'other', lineage_agents: ['x', 'agent-0'] }))?.value).toBe('full_stop');
    expect((await ask(flagd, { agent_id: 'other', lineage_agents: ['x', 'y'] }))?.value).toBe('live');
  });
});

describe.skipIf(!hasFlagd)('flags/kill-switch.flagd.json, served as it is by a real flagd', () => {
  test.each(['rpc', 'in-process'] as const)('stops everyone (%s)', async (resolverType) => {
    const flagd = await serving(safeDefinition);
    const client = await vanilla(flagd, resolverType);
    const details = await client.getStringDetails('kill-switch.mode', 'live', { agent_id: 'a' });
    expect(details).toMatchObject({ value: 'full_stop', variant: 'full_stop' });
  });
});

/** The context as flagd's Go evaluator sees it, for which null is absent. */
const asGoSees = (context: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(context).filter(([, value]) => value !== null));

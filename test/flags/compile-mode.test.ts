import { FlagdCore } from '@openfeature/flagd-core';
import { describe, expect, test } from 'vitest';
import { compileFlagd, type Mode, MODES, restrictionFor, State } from '../../flags/index.ts';
import { NOW, putKill } from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

type Context = Readonly<Record<string, string | readonly string[]>>;

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

function stateIn(mode: Mode, targeting: unknown = null): State {
  const state = new State();
  state.put('mode', { mode, targeting, ...LAST_CHANGE });
  state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
  return state;
}

/**
 * Answers as flagd's evaluator does by the compiled definition, which is what this package decides by itself.
 */
function compiled(state: State, organizationId?: string): (context: Context) => unknown {
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify(compileFlagd(state, { organizationId })));
  return (context) => {
    const { value } = core.resolveStringEvaluation('kill-switch.mode', 'caller default', context as never);
    expect(value).toBe(restrictionFor(state, { context, now: () => NOW, organizationId }).mode);
    return value;
  };
}

describe('a compiled kill', () => {
  test.each<[target: string, context: Context]>([
    ['all', {}],
    ['agent:a', { agent_id: 'a' }],
    ['agent:a', { lineage_agents: ['b', 'a'] }],
    ['mission:a', { mission_id: 'a' }],
    ['mission:a', { lineage_missions: ['b', 'a'] }],
    ['run:a', { run_id: 'a' }],
    ['run:a', { lineage_runs: ['b', 'a'] }],
    ['surface:a', { surface: 'a' }],
    ['feature:refunds', { feature: 'refunds' }],
    ['action:email.send', { action: 'email.send' }],
    ['action:email.*', { action: 'email.send' }],
    ['action:email.*', { action: 'email.send.now' }],
  ])('of %s stops %j', (target, context) => {
    for (const killed of ['full_stop', 'paused', 'live'] as const) {
      const state = stateIn('live');
      putKill(state, target, killed);
      expect(compiled(state)(context)).toBe(killed);
    }
  });

  const OTHERS: readonly Context[] = [
    {},
    { agent_id: 'b', mission_id: 'b', run_id: 'b', surface: 'b', feature: 'refunds', action: 'emails.send' },
    { lineage_agents: ['b'], lineage_missions: ['b'], lineage_runs: [], action: 'email' },
  ];

  test.each(['agent:a', 'mission:a', 'run:a', 'surface:a', 'feature:a', 'action:email.*', 'action:email.send'])(
    'of %s stops nothing else',
    (target) => {
      const state = stateIn('live');
      putKill(state, target, 'full_stop');
      const modeFor = compiled(state);
      for (const context of OTHERS) expect(modeFor(context)).toBe('live');
    },
  );

  test.each(['action:.*', 'action:*'])('of %s, as another version took it, stops nothing', (target) => {
    const state = stateIn('live');
    putKill(state, target, 'full_stop');
    const modeFor = compiled(state);
    for (const action of ['.x', 'email.send', '.']) expect(modeFor({ action })).toBe('live');
  });

  test('of one action is no pattern: it stops none whose name begins like it', () => {
    const state = stateIn('live');
    putKill(state, 'action:email.send', 'full_stop');
    const modeFor = compiled(state);
    for (const action of ['email.sender', 'email.send.now', 'email.sen', 'email.se']) {
      expect(modeFor({ action })).toBe('live');
    }
  });

  test('does not loosen what another one has stopped, nor the base mode', () => {
    const state = stateIn('draft_only');
    putKill(state, 'agent:a', 'paused');
    putKill(state, 'run:r', 'approval_gated');
    expect(compiled(state)({ agent_id: 'a', run_id: 'r' })).toBe('paused');
    expect(compiled(state)({ run_id: 'r' })).toBe('draft_only');
    putKill(state, 'all', 'full_stop');
    expect(compiled(state)({ agent_id: 'a' })).toBe('full_stop');
  });
});

describe('a compiled stage', () => {
  test('is the floor of its feature; a feature that the state does not know is dark', () => {
    const floors = { dark: 'full_stop', shadow: 'draft_only', gated: 'approval_gated', live: 'live' } as const;
    const state = stateIn('live');
    for (const stage of ['dark', 'shadow', 'gated', 'live'] as const)
      state.put(`feature:${stage}`, { stage, ...LAST_CHANGE });
    const modeFor = compiled(state);
    for (const [feature, floor] of Object.entries(floors)) expect(modeFor({ feature })).toBe(floor);
    expect(modeFor({ feature: 'unknown' })).toBe('full_stop');
    expect(modeFor({})).toBe('live');
    expect(compiled(new State())({ feature: 'unknown' })).toBe('full_stop');
  });

  test('of an action that a person looks at is approval_gated, and no other is a floor', () => {
    const state = stateIn('live');
    state.put('autonomy:email.send', { stage: 'human_in_the_loop', ...LAST_CHANGE });
    state.put('autonomy:email.read', { stage: 'trusted', ...LAST_CHANGE });
    const modeFor = compiled(state);
    expect(modeFor({ action: 'email.send' })).toBe('approval_gated');
    expect(modeFor({ action: 'email.read' })).toBe('live');
    expect(modeFor({ action: 'email.other' })).toBe('live');
  });
});

describe('a compiled base mode', () => {
  test.each(MODES)('is for everyone what it is: %s', (mode) => {
    expect(compiled(stateIn(mode))({ agent_id: 'a' })).toBe(mode);
  });

  test.each(MODES)(
    'of %s, with targeting, is what the rule answers, itself without an answer, else full_stop',
    (mode) => {
      const state = stateIn(mode, { var: 'answer' });
      const modeFor = compiled(state);
      for (const answer of MODES) expect(modeFor({ answer })).toBe(answer);
      expect(modeFor({})).toBe(mode);
      expect(modeFor({ answer: 'on' })).toBe('full_stop');
    },
  );

  test('with targeting that no evaluator takes is full_stop', () => {
    expect(compiled(stateIn('live', { launch: ['live'] }))({})).toBe('full_stop');
  });
});

describe('a context whose identity cannot be read', () => {
  test.each<Context>([
    { agent_id: '' },
    { mission_id: '*' },
    { action: 'email.*' },
    { lineage_agents: 'a' },
    { lineage_runs: ['*'] },
  ])('is stopped, whatever the state: %j', (context) => {
    expect(compiled(stateIn('live'))(context)).toBe('full_stop');
  });

  test('is stopped as another organization, where this is the switch of one', () => {
    expect(compiled(stateIn('live'), 'acme')({ organization_id: 'other' })).toBe('full_stop');
    expect(compiled(stateIn('live'), 'acme')({ organization_id: 'acme' })).toBe('live');
    expect(compiled(stateIn('live'), 'acme')({})).toBe('live');
    expect(compiled(stateIn('live'))({ organization_id: 'other' })).toBe('live');
  });
});

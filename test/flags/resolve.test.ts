import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changesAt,
  type Cause,
  type Mode,
  MODES,
  resolveMode,
  restrictionFor,
  State,
  strictness,
  type Subject,
  ruleProblem,
} from '../../flags/index.ts';
import { contextArbitrary, IDS, NOW, putKill, stateArbitrary, WINDOW_ENDS } from './arbitraries.ts';
import { CONTEXT, REFUSED_RULES, SOUND_RULES } from './base-rules.ts';
import { LAST_CHANGE } from './last-change.ts';

function stateIn(mode: Mode, targeting: unknown = null): State {
  const state = new State();
  state.put('mode', { mode, targeting, ...LAST_CHANGE });
  return state;
}

const kill = (target: string): Partial<Cause> => ({ kind: 'kill', target, killedBy: 'dana' });

describe('the restriction of a subject', () => {
  test.each<[string, Subject]>([
    ['all', {}],
    ['all', { agentId: 'another' }],
    ['agent:a', { agentId: 'a' }],
    ['agent:a', { agentId: 'child', lineageAgents: ['parent', 'a'] }],
    ['mission:a', { missionId: 'a' }],
    ['mission:a', { missionId: 'child', lineageMissions: ['a'] }],
    ['run:a', { runId: 'a' }],
    ['run:a', { runId: 'child', lineageRuns: ['a'] }],
    ['surface:tool', { surface: 'tool' }],
    ['feature:refunds', { feature: 'refunds' }],
    ['action:email.send', { action: 'email.send' }],
    ['action:email.*', { action: 'email.send' }],
    ['action:email.*', { action: 'email.send.now' }],
    ['action:email.send.*', { action: 'email.send.now' }],
  ])('meets a kill of %s for %j', (target, subject) => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    putKill(state, target, 'paused');
    expect(resolveMode(state, subject, () => NOW)).toEqual({
      mode: 'paused',
      cause: { ...kill(target), killId: `k-${target}`, reason: null },
    });
  });

  test.each<[string, Subject]>([
    ['agent:a', { agentId: 'b' }],
    ['agent:a', {}],
    ['agent:a', { missionId: 'a', runId: 'a', surface: 'a', action: 'a', lineageRuns: ['a'], lineageMissions: ['a'] }],
    ['agent:a', { agentId: 'A' }],
    ['agent:*', { agentId: 'a' }],
    ['action:email*', { action: 'email.send' }],
    ['action:*.send', { action: 'email.send' }],
    ['agent:a.*', { agentId: 'a.b' }],
    ['action:email.*', { action: 'email' }],
    ['action:email.*', { action: 'emails.send' }],
    ['action:email.send', { action: 'email.send.now' }],
    ['action:*', { action: 'email.send' }],
    ['action:.*', { action: '.x' }],
  ])('does not meet a kill of %s for %j', (target, subject) => {
    const state = stateIn('live');
    putKill(state, target, 'full_stop');
    expect(resolveMode(state, subject, () => NOW)).toEqual({ mode: 'live', cause: { kind: 'mode' } });
  });

  test('takes ids such as "constructor" for ids, not for members that every object has', () => {
    for (const id of IDS) {
      const state = stateIn('live');
      putKill(state, `agent:${id}`, 'full_stop');
      for (const other of IDS) {
        expect(resolveMode(state, { agentId: other }, () => NOW).mode).toBe(other === id ? 'full_stop' : 'live');
      }
    }
  });

  test('names the strictest of several kills, and lifting one leaves the others', () => {
    const state = stateIn('live');
    putKill(state, 'agent:a', 'draft_only');
    putKill(state, 'run:r', 'full_stop');
    putKill(state, 'all', 'paused');
    const subject: Subject = { agentId: 'a', runId: 'r' };
    expect(resolveMode(state, subject, () => NOW)).toMatchObject({ mode: 'full_stop', cause: kill('run:r') });
    state.put('kill:run:r', undefined);
    expect(resolveMode(state, subject, () => NOW)).toMatchObject({ mode: 'paused', cause: kill('all') });
    state.put('kill:all', undefined);
    expect(resolveMode(state, subject, () => NOW)).toMatchObject({ mode: 'draft_only', cause: kill('agent:a') });
    state.put('kill:agent:a', undefined);
    expect(resolveMode(state, subject, () => NOW)).toMatchObject({ mode: 'live', cause: { kind: 'mode' } });
  });

  test('has the stages of its feature and its action as floors; a feature that the state does not know is dark', () => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'gated', ...LAST_CHANGE });
    state.put('autonomy:email.send', { stage: 'human_in_the_loop', ...LAST_CHANGE });
    state.put('autonomy:email.read', { stage: 'trusted', ...LAST_CHANGE });
    expect(resolveMode(state, { feature: 'refunds' }, () => NOW)).toEqual({
      mode: 'approval_gated',
      cause: { kind: 'feature', feature: 'refunds', stage: 'gated' },
    });
    expect(resolveMode(state, { feature: 'unknown' }, () => NOW)).toEqual({
      mode: 'full_stop',
      cause: { kind: 'feature', feature: 'unknown', stage: 'dark' },
    });
    expect(resolveMode(state, { feature: '__proto__' }, () => NOW).mode).toBe('full_stop');
    expect(resolveMode(state, { action: 'email.send' }, () => NOW)).toEqual({
      mode: 'approval_gated',
      cause: { kind: 'autonomy', action: 'email.send', stage: 'human_in_the_loop' },
    });
    for (const action of ['email.read', 'email.other'])
      expect(resolveMode(state, { action }, () => NOW).mode).toBe('live');
  });

  const SOURCES = {
    kill: (state: State, mode: 'approval_gated' | 'full_stop') => putKill(state, 'agent:a', mode),
    feature: (state: State, mode: 'approval_gated' | 'full_stop') =>
      state.put('feature:refunds', { stage: mode === 'full_stop' ? 'dark' : 'gated', ...LAST_CHANGE }),
    autonomy: (state: State, _mode: 'approval_gated') =>
      state.put('autonomy:email.send', { stage: 'human_in_the_loop', ...LAST_CHANGE }),
    mode: (state: State, mode: 'approval_gated' | 'full_stop') =>
      state.put('mode', { mode, targeting: null, ...LAST_CHANGE }),
  };
  const SUBJECT: Subject = { agentId: 'a', feature: 'refunds', action: 'email.send' };

  test.each<[strict: 'kill' | 'feature' | 'mode', loose: keyof typeof SOURCES]>([
    ['kill', 'feature'],
    ['kill', 'autonomy'],
    ['kill', 'mode'],
    ['feature', 'kill'],
    ['feature', 'autonomy'],
    ['feature', 'mode'],
    ['mode', 'kill'],
    ['mode', 'feature'],
    ['mode', 'autonomy'],
  ])('names a %s that stops as the cause, not a %s that only asks for approval', (strict, loose) => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    SOURCES[loose](state, 'approval_gated');
    SOURCES[strict](state, 'full_stop');
    const { mode, cause } = resolveMode(state, SUBJECT, () => NOW);
    expect([mode, cause.kind]).toEqual(['full_stop', strict]);
  });

  test('names the autonomy of an action as the cause where a kill and a feature leave everything', () => {
    const state = stateIn('live');
    putKill(state, 'agent:a', 'live');
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    SOURCES.autonomy(state, 'approval_gated');
    expect(resolveMode(state, SUBJECT, () => NOW)).toEqual({
      mode: 'approval_gated',
      cause: { kind: 'autonomy', action: 'email.send', stage: 'human_in_the_loop' },
    });
  });

  test('names, of those that are equally strict, a kill before a feature, that before autonomy, and the base mode last', () => {
    const names = ['kill', 'feature', 'autonomy', 'mode'] as const;
    for (const [index, name] of names.entries()) {
      const state = stateIn('live');
      state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
      for (const also of names.slice(index)) SOURCES[also](state, 'approval_gated');
      const { mode, cause } = resolveMode(state, SUBJECT, () => NOW);
      expect([mode, cause.kind]).toEqual(['approval_gated', name]);
    }
  });

  test('names the base mode where nothing restricts, whatever stages the feature and the action have', () => {
    const state = stateIn('live');
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    state.put('autonomy:email.send', { stage: 'trusted', ...LAST_CHANGE });
    expect(resolveMode(state, SUBJECT, () => 0)).toEqual({ mode: 'live', cause: { kind: 'mode' } });
  });

  test('names, of kills that are equally strict, the first that is looked at', () => {
    const subject: Subject = {
      agentId: 'a',
      missionId: 'm',
      runId: 'r',
      surface: 'tool',
      feature: 'refunds',
      lineageAgents: ['pa'],
      lineageMissions: ['pm'],
      lineageRuns: ['pr'],
      action: 'email.send',
    };
    const targets = ['all', 'agent:a', 'mission:m', 'run:r', 'surface:tool', 'feature:refunds'];
    targets.push('agent:pa', 'mission:pm', 'run:pr', 'action:email.send', 'action:email.*');
    for (const [index, target] of targets.entries()) {
      const state = stateIn('live');
      state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
      for (const killed of targets.slice(index).reverse()) putKill(state, killed, 'read_only');
      expect(resolveMode(state, subject, () => NOW)).toMatchObject({ mode: 'read_only', cause: kill(target) });
    }
  });

  test('is no looser with anything added: a kill, an attribute of the lineage, or a stricter base mode', () => {
    const extra = fc.record({
      mode: fc.constantFrom(...MODES),
      id: fc.constantFrom(...IDS),
      parent: fc.constantFrom(...IDS),
    });
    fc.assert(
      fc.property(stateArbitrary, contextArbitrary, extra, (state, { context, odd }, { mode, id, parent }) => {
        fc.pre(odd.length === 0);
        const rank = (given: object): number =>
          strictness(restrictionFor(state, { context: given as never, now: () => NOW }).mode);
        const base = state.mode;
        if (base.targeting !== null) state.put('mode', { ...base, targeting: null });
        const before = rank(context);
        const parents = [...((context['lineage_agents'] as string[] | undefined) ?? []), parent];
        expect(rank({ ...context, lineage_agents: parents })).toBeGreaterThanOrEqual(before);
        const had = state.kills.agent.get(id);
        if (!had || strictness(mode) > strictness(had.mode)) putKill(state, `agent:${id}`, mode);
        expect(rank(context)).toBeGreaterThanOrEqual(before);
        if (strictness(mode) > strictness(state.mode.mode))
          state.put('mode', { mode, targeting: null, ...LAST_CHANGE, epoch: 2 });
        expect(rank(context)).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the base mode’s targeting', () => {
  const rules = {
    variable: { if: [{ '<': [{ var: '$flagd.timestamp' }, WINDOW_ENDS] }, 'full_stop', 'live'] },
    'variable with a default': { if: [{ '<': [{ var: ['$flagd.timestamp', 0] }, WINDOW_ENDS] }, 'full_stop', 'live'] },
  };

  test.each(Object.entries(rules))('tells the time by the store’s clock, in whole seconds (%s)', (_, rule) => {
    const state = stateIn('draft_only', rule);
    const modes = [-1000, -1, 0, 999].map((ms) => resolveMode(state, {}, () => WINDOW_ENDS * 1000 + ms).mode);
    expect(modes).toEqual(['full_stop', 'full_stop', 'live', 'live']); // this machine's clock is far beyond all of them
    expect(restrictionFor(state, { context: {}, now: () => 0 }).mode).toBe('full_stop');
    const context = { $flagd: { timestamp: 9e9 }, $kill_switch: { timestamp: 9e9 } }; // no context sets a clock
    expect(restrictionFor(state, { context, now: () => 0 }).mode).toBe('full_stop');
  });

  test('changes with the time alone where its rule asks for it, wherever in the rule that is', () => {
    const timed = [...Object.values(rules), SOUND_RULES['the time in the fallback of an attribute']];
    expect(timed.map((rule) => changesAt(stateIn('live', rule), 1500))).toEqual([2000, 2000, 2000]);
    const untimed = [undefined, {}, { if: [{ '===': [{ var: 'tier' }, null] }, 'paused', 'live'] }];
    expect(untimed.map((rule) => changesAt(stateIn('live', rule), 1500))).toEqual([null, null, null]);
    const [refused] = REFUSED_RULES['the time behind a dot'] ?? [];
    expect(changesAt(stateIn('live', refused), 1500)).toBeNull(); // it is full_stop at all times
  });

  test('is full_stop where a rule asks for a time that nothing has confirmed', () => {
    const rule = { if: [{ '<': [{ var: '$flagd.timestamp' }, WINDOW_ENDS] }, 'live', 'live'] };
    expect(restrictionFor(stateIn('live', rule), { context: {}, now: () => null }).mode).toBe('full_stop');
    expect(resolveMode(stateIn('live', rule), {}, () => null).mode).toBe('full_stop');
    expect(resolveMode(stateIn('live'), {}, () => null).mode).toBe('live'); // no rule asks
    const other = { if: [{ '===': [{ var: 'tier' }, null] }, 'paused', 'live'] };
    expect(restrictionFor(stateIn('live', other), { context: {}, now: () => null }).mode).toBe('paused');
  });

  test.each(Object.entries(SOUND_RULES))('is what its rule answers where all evaluators agree: %s', (_, rule) => {
    expect(ruleProblem(rule)).toBe(null);
    expect(restrictionFor(stateIn('read_only', rule), { context: CONTEXT, now: () => NOW }).mode).toBe('live');
  });

  test.each(Object.entries(REFUSED_RULES))('is full_stop where its rule looks elsewhere: %s', (_, [rule, why]) => {
    expect(ruleProblem(rule)).toMatch(why);
    expect(restrictionFor(stateIn('read_only', rule), { context: CONTEXT, now: () => NOW }).mode).toBe('full_stop');
  });

  const targeting = {
    if: [{ '===': [{ var: 'tier' }, 'gold'] }, 'live', { '===': [{ var: 'tier' }, 'tin'] }, 'paused'],
  };

  test('sees the whole context; where it gives no answer the mode counts', () => {
    const state = stateIn('read_only', targeting);
    const modes = ['gold', 'tin', 'other', undefined].map(
      (tier) => restrictionFor(state, { context: { tier }, now: () => NOW }).mode,
    );
    expect(modes).toEqual(['live', 'paused', 'read_only', 'read_only']);
  });

  test('sees the subject’s own attributes where there is no context', () => {
    const state = stateIn('live', { if: [{ in: ['p', { var: 'lineage_agents' }] }, 'paused'] });
    expect(resolveMode(state, { agentId: 'a', lineageAgents: ['p'] }, () => NOW).mode).toBe('paused');
    expect(resolveMode(state, { agentId: 'a', lineageAgents: [] }, () => NOW).mode).toBe('live');
  });

  test('does not loosen a kill', () => {
    const state = stateIn('read_only', targeting);
    putKill(state, 'agent:a', 'full_stop');
    expect(restrictionFor(state, { context: { agent_id: 'a', tier: 'gold' }, now: () => NOW })).toMatchObject({
      mode: 'full_stop',
      cause: kill('agent:a'),
    });
  });

  test.each<[string, unknown]>([
    ['answers with a word that is no mode', { var: 'answer' }],
    ['fails while it is evaluated', { if: [{ '<': [{ var: 'answer' }, 1] }, 'live', 'live'] }],
    ['has an operation that does not exist', { launch: ['live'] }],
    ['has an operation that only one evaluator knows', { try: ['live'] }],
    ['refers to a shared rule', { if: [{ $ref: 'shared' }, 'live'] }],
    ['is a word', 'live'],
    ['is a list', ['live']],
    ['is a number', 1],
    ['is true', true],
  ])('is full_stop when it %s', (_, rule) => {
    expect(restrictionFor(stateIn('live', rule), { context: { answer: 'LIVE' }, now: () => NOW }).mode).toBe(
      'full_stop',
    );
  });

  test.each([
    ['a list', ['live']],
    ['a number', 0],
    ['true', true],
    ['an object', { live: 1, b: 1 }],
    ['empty', ''],
  ])('is full_stop when it answers with %s', (_, answer) => {
    expect(restrictionFor(stateIn('live', { var: 'answer' }), { context: { answer }, now: () => NOW }).mode).toBe(
      'full_stop',
    );
  });

  test.each([{}, null, undefined])('is as none when it is %j', (rule) => {
    expect(restrictionFor(stateIn('draft_only', rule), { context: {}, now: () => NOW }).mode).toBe('draft_only');
  });
});

describe('the restriction for a context', () => {
  test('is full_stop when the identity cannot be read, and names the attribute', () => {
    expect(restrictionFor(stateIn('live'), { context: { agent_id: 7 }, now: () => NOW })).toEqual({
      mode: 'full_stop',
      cause: { kind: 'identity', message: 'agent_id must be a non-empty string' },
    });
  });

  test('is full_stop for another organization than the switch’s, and only then', () => {
    const state = stateIn('live');
    expect(
      restrictionFor(state, { context: { organization_id: 'other' }, now: () => NOW, organizationId: 'default' }),
    ).toEqual({
      mode: 'full_stop',
      cause: { kind: 'identity', message: 'organization_id "other" is not the one of this switch' },
    });
    for (const context of [{}, { organization_id: 'default' }]) {
      expect(restrictionFor(state, { context, now: () => NOW, organizationId: 'default' }).mode).toBe('live');
    }
    expect(restrictionFor(state, { context: { organization_id: 'other' }, now: () => NOW }).mode).toBe('live');
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { restrictionFor, restrictionsFor, State, strictness } from '../../flags/index.ts';
import { contextArbitrary, NOW, putKill, putRule, stateArbitrary } from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

const now = (): number => NOW;

describe('every restriction that meets a context', () => {
  test('begins with the one that decides, and has no looser one before a stricter', () => {
    const seen = new Map<number, number>();
    fc.assert(
      fc.property(stateArbitrary, fc.array(contextArbitrary, { maxLength: 20 }), (state, contexts) => {
        for (const { context } of contexts) {
          const inquiry = { context, now, organizationId: 'default' };
          const all = restrictionsFor(state, inquiry);
          const decided = restrictionFor(state, inquiry);
          expect(all[0]?.mode ?? 'live').toBe(decided.mode);
          if (all[0]) expect(all[0].cause).toEqual(decided.cause);
          const ranks = all.map(({ mode }) => strictness(mode));
          expect(ranks).toEqual(ranks.toSorted((a, b) => b - a));
          seen.set(all.length, (seen.get(all.length) ?? 0) + 1);
        }
      }),
      { numRuns: 300 },
    );
    for (const length of [0, 1, 2, 3, 4]) expect(seen.get(length), `${length} at once`).toBeGreaterThan(0);
  });

  test('is named with its target, and each once', () => {
    const state = new State();
    state.put('mode', { mode: 'approval_gated', targeting: null, ...LAST_CHANGE });
    putKill(state, 'agent:a', 'paused');
    putKill(state, 'action:mail.*', 'read_only');
    putKill(state, 'agent:other', 'full_stop');
    putRule(state, 'nights', { target: 'action:mail.send', mode: 'draft_only' });
    putRule(state, 'over', { target: 'all', mode: 'full_stop', when: { '===': [{ var: 'tier' }, 'gold'] } });
    state.put('autonomy:mail.send', { stage: 'human_in_the_loop', ...LAST_CHANGE });
    state.put('feature:letters', { stage: 'shadow', ...LAST_CHANGE });
    const context = { agent_id: 'a', lineage_agents: ['a'], action: 'mail.send', feature: 'letters' };
    const found = restrictionsFor(state, { context, now });
    expect(found.map(({ mode, target, cause }) => [mode, target, cause.kind])).toEqual([
      ['paused', 'agent:a', 'kill'],
      ['read_only', 'action:mail.*', 'kill'],
      ['draft_only', 'action:mail.send', 'rule'],
      ['draft_only', 'feature:letters', 'feature'],
      ['approval_gated', 'action:mail.send', 'autonomy'],
      ['approval_gated', 'all', 'mode'],
    ]);
  });

  test('is also what an executor has stopped, until the log has it as a kill', () => {
    const state = new State();
    state.epoch = 5;
    state.put('mode', { mode: 'read_only', targeting: null, ...LAST_CHANGE });
    const stop = { id: 's', epoch: 5, target: 'agent:a', by: 'tripwire', name: 'often', value: 3, limit: 2 } as const;
    state.put('tripwire:often', {
      definition: { on: 'refusals', limit: 2, window_ms: 60_000, scope: 'agent', do: 'full_stop' },
      ...LAST_CHANGE,
    });
    state.stops.take([stop], state);
    const found = (context: Record<string, unknown>) =>
      restrictionsFor(state, { context, now }).map(({ mode, target, cause }) => [mode, target, cause.kind]);
    const base = ['read_only', 'all', 'mode'];
    expect(found({ agent_id: 'a' })).toEqual([['full_stop', 'agent:a', 'tripwire'], base]);
    expect(found({ agent_id: 'b', lineage_agents: ['a'] })).toEqual([['full_stop', 'agent:a', 'tripwire'], base]);
    expect(found({ agent_id: 'b' })).toEqual([base]);
    putKill(state, 'agent:a', 'full_stop');
    const kill = state.get('kill', 'agent:a');
    if (!kill) throw new Error('no kill');
    expect(found({ agent_id: 'a' })).toHaveLength(3);
    state.put('kill:agent:a', { ...kill, counted: ['agent:a'] });
    state.stops.hasChanged();
    expect(found({ agent_id: 'a' })).toEqual([['full_stop', 'agent:a', 'kill'], base]);
  });

  test('is one alone where nobody can tell who asks', () => {
    const found = restrictionsFor(new State(), { context: { agent_id: 7 }, now });
    expect(found).toMatchObject([{ mode: 'full_stop', target: 'all', cause: { kind: 'identity' } }]);
    const other = { context: { organization_id: 'other' }, now, organizationId: 'default' };
    expect(restrictionsFor(new State(), other)).toHaveLength(1);
  });
});

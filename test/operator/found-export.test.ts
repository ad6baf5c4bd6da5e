import { describe, expect, test } from 'vitest';
import { compileFlagd, State } from '../../flags/index.ts';
import { deadManOf, judgeFound } from '../../operator/found-export.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

const NOW = 1_700_000_000_000;
const LATER = NOW / 1000 + 30;
const PASSED = NOW / 1000;

/** A switch whose log is the last of these generations. */
function stateOf(generations: readonly string[], epoch = 5, recovered = generations.length > 1): State {
  const state = new State();
  const generation = generations.at(-1) as string;
  state.put('control', { format: 1, generation, generations: [...generations], recovered, ...LAST_CHANGE });
  state.epoch = epoch;
  return state;
}

const exportOf = (state: State, validUntil: number, organizationId = 'default'): string =>
  JSON.stringify(compileFlagd(state, { organizationId, validUntil }));

const own = stateOf(['g1', 'g2']);
const judge = (text: string, state = own) => judgeFound(text, { organizationId: 'default', state, now: NOW });

describe('a file that is about to be replaced', () => {
  test.each([
    ['no file', ''],
    ['no definition', '{"flags":'],
    ['a definition without an end', JSON.stringify(compileFlagd(stateOf(['other'])))],
    ['another switch, over', exportOf(stateOf(['other']), PASSED)],
    ['another organization, over', exportOf(stateOf(['other']), PASSED, 'beta')],
    ['a stop of nobody, before anything was known', exportOf(new State(), 0, 'beta')],
    ['of an older version, which named no generation', exportOf(new State(), LATER)],
  ])('is replaced where it is %s', (_, text) => {
    expect(judge(text)).toEqual({ is: 'replaceable' });
  });

  test.each([
    ['the epoch before', stateOf(['g1', 'g2'], 4)],
    ['the same epoch', stateOf(['g1', 'g2'], 5)],
    ['a higher epoch of the generation before the recovery', stateOf(['g1'], 9)],
  ])('is this switch, and replaced, with %s', (_, state) => {
    expect(judge(exportOf(state, LATER))).toEqual({ is: 'own' });
  });

  test.each([
    ['another switch', exportOf(stateOf(['other']), LATER), 'organization "default", generation "other"'],
    ['another organization', exportOf(new State(), LATER, 'beta'), 'another switch (organization "beta")'],
    ['another switch that stops everyone', exportOf(stateOf(['other']), 0), 'remove it'],
    ['a later epoch', exportOf(stateOf(['g1', 'g2'], 6), LATER), 'of epoch 6 of this switch'],
    ['a later epoch that is over: changes are lost', exportOf(stateOf(['g1', 'g2'], 6), PASSED), 'of epoch 6'],
    ['a later generation', exportOf(stateOf(['g1', 'g2', 'g3'], 2), LATER), 'of a later generation'],
  ])('stays where it is %s', (_, text, why) => {
    expect(judge(text)).toEqual({ is: 'kept', why: expect.stringContaining(why) });
  });

  test('a switch that was recovered from nothing takes over a stop, which may be of its own past', () => {
    const stop = exportOf(stateOf(['lost']), 0);
    expect(judge(stop, stateOf(['new'], 5, true))).toEqual({ is: 'replaceable' });
    expect(judge(stop, stateOf(['new'], 5, false))).toMatchObject({ is: 'kept' });
  });

  test('ends by itself only where the first look is at the time, and what comes of it is full_stop', () => {
    const definition = compileFlagd(own, { validUntil: LATER });
    const { variants, targeting } = definition.flags['kill-switch.mode'] as unknown as {
      variants: object;
      targeting: { if: unknown[] };
    };
    const withRule = (...first: unknown[]): string =>
      JSON.stringify({ flags: { 'kill-switch.mode': { variants, targeting: { if: first } } } });
    const time = { var: '$flagd.timestamp' };
    const [, , ...rest] = targeting.if;
    expect(deadManOf(JSON.stringify(definition))).toBe(LATER);
    expect(deadManOf(withRule({ '>=': [time, 7] }, 'full_stop', ...rest))).toBe(7);
    expect(deadManOf(withRule({ '<': [7, time] }, 'full_stop', ...rest))).toBe(7);
    for (const condition of [
      { '<': [time, 7] },
      { '==': [time, 7] },
      { and: [{ '>=': [time, 7] }, false] },
      { '!': [{ '>=': [time, 7] }] },
      { '>=': [time, time] },
    ])
      expect(deadManOf(withRule(condition, 'full_stop', ...rest)), JSON.stringify(condition)).toBeNull();
    expect(deadManOf(withRule({ '>=': [time, 7] }, 'live', ...rest))).toBeNull();
  });
});

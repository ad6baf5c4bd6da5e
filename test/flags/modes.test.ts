import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AUTONOMY_FLOORS,
  AUTONOMY_STAGES,
  EFFECTS,
  FEATURE_FLOORS,
  FEATURE_STAGES,
  INITIAL_MODE,
  isMode,
  isStricter,
  MODES,
  type Mode,
  SAFE_MODE,
  strictestMode,
  strictness,
  VERDICTS,
  verdictFor,
} from '../../flags/index.ts';

/** The table of modes and effects, written out a second time on purpose. */
const TABLE = `
  live            allow  allow  allow
  approval_gated  allow  allow  hold
  test_mode       allow  allow  redirect
  draft_only      allow  allow  draft
  read_only       allow  block  block
  paused          pause  pause  pause
  full_stop       block  block  block`;

const mode = fc.constantFrom(...MODES);
const notAMode = fc.constantFrom<unknown>(
  undefined,
  null,
  '',
  'LIVE',
  ' live',
  'off',
  0,
  true,
  [],
  ['live'],
  {},
  '__proto__',
);

describe('the modes', () => {
  test('answer each effect as the table says', () => {
    const rows = TABLE.trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    expect(rows.map(([name]) => name)).toEqual(MODES);
    for (const [name, ...verdicts] of rows) {
      expect(EFFECTS.map((effect) => verdictFor(name as Mode, effect))).toEqual(verdicts);
    }
  });

  test('block what is not in the table', () => {
    expect(verdictFor('bogus' as Mode, 'read')).toBe('block');
    expect(verdictFor('__proto__' as Mode, 'read')).toBe('block');
    expect(verdictFor('live', 'bogus' as 'read')).toBe('block');
    expect(verdictFor('live', 'constructor' as 'read')).toBe('block');
  });

  test('allow no effect that a looser mode does not allow', () => {
    expect(new Set(MODES.flatMap((name) => EFFECTS.map((effect) => verdictFor(name, effect))))).toEqual(
      new Set(VERDICTS),
    );
    for (const effect of EFFECTS) {
      const firstRefusal = MODES.findIndex((name) => verdictFor(name, effect) !== 'allow');
      expect(firstRefusal).toBeGreaterThan(0);
      for (const name of MODES.slice(firstRefusal)) expect(verdictFor(name, effect)).not.toBe('allow');
    }
  });

  test('combine to the strictest, in any order', () => {
    fc.assert(
      fc.property(fc.array(mode, { minLength: 1 }), mode, (modes, further) => {
        const strictest = strictestMode(...modes);
        expect(modes).toContain(strictest);
        for (const one of modes) expect(strictness(strictest)).toBeGreaterThanOrEqual(strictness(one));
        expect(strictestMode(...[...modes].reverse())).toBe(strictest);
        expect(strictness(strictestMode(...modes, further))).toBeGreaterThanOrEqual(strictness(strictest));
      }),
    );
  });

  test('combine to full_stop with anything that is no mode, and in an empty list', () => {
    expect(strictestMode()).toBe('full_stop');
    fc.assert(
      fc.property(fc.array(mode), notAMode, (modes, odd) => {
        expect(isMode(odd)).toBe(false);
        expect(strictestMode(...modes, odd)).toBe('full_stop');
        expect(strictness(odd)).toBe(strictness('full_stop'));
      }),
    );
  });

  test('are stricter than those before them in the list, and than no other', () => {
    for (const [index, one] of MODES.entries())
      for (const [place, other] of MODES.entries())
        expect([one, other, isStricter(one, other)]).toEqual([one, other, index > place]);
    expect(isStricter('none of them', 'paused')).toBe(true);
    expect(isStricter('none of them', 'full_stop')).toBe(false);
  });

  test('are full_stop for faults and draft_only for a fresh control plane', () => {
    expect([SAFE_MODE, INITIAL_MODE]).toEqual(['full_stop', 'draft_only']);
  });
});

describe('stages', () => {
  test('are floors on the mode', () => {
    expect(FEATURE_FLOORS).toEqual({ dark: 'full_stop', shadow: 'draft_only', gated: 'approval_gated', live: 'live' });
    expect(AUTONOMY_FLOORS).toEqual({
      human_in_the_loop: 'approval_gated',
      human_on_the_loop: 'live',
      autonomous: 'live',
      trusted: 'live',
    });
  });

  test('begin with the least authority, and no later one gives less', () => {
    for (const [stages, floors] of [
      [FEATURE_STAGES, FEATURE_FLOORS],
      [AUTONOMY_STAGES, AUTONOMY_FLOORS],
    ] as const) {
      const ranks = stages.map((stage) => strictness((floors as Record<string, Mode>)[stage]));
      expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
    }
  });
});

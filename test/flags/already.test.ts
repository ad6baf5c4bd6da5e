import { describe, expect, test } from 'vitest';
import { bothKills, killAdds, laterEnd, sameBaseMode } from '../../flags/already.ts';

const [ONE, TWO] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];

describe('two kills of one target', () => {
  test('last to the later end, and no end is later than each', () => {
    expect(laterEnd(ONE, TWO)).toBe(TWO);
    expect(laterEnd(TWO, ONE)).toBe(TWO);
    expect(laterEnd(TWO, TWO)).toBe(TWO);
    for (const end of [ONE, null]) expect([laterEnd(null, end), laterEnd(end, null)]).toEqual([null, null]);
  });

  test('come to the stricter mode and the later end, in either order', () => {
    const [strict, long] = [
      { mode: 'full_stop', expires_at: ONE } as const,
      { mode: 'paused', expires_at: TWO } as const,
    ];
    for (const both of [bothKills(strict, long), bothKills(long, strict)])
      expect(both).toEqual({ mode: 'full_stop', expires_at: TWO });
  });

  test('are one where the second neither leaves less nor lasts longer', () => {
    const active = { mode: 'paused', expires_at: ONE } as const;
    expect(killAdds(undefined, active)).toBe(true);
    expect(killAdds(active, active)).toBe(false);
    expect(killAdds(active, { mode: 'read_only', expires_at: ONE })).toBe(false);
    expect(killAdds(active, { mode: 'full_stop', expires_at: ONE })).toBe(true);
    expect(killAdds(active, { mode: 'read_only', expires_at: null })).toBe(true);
  });
});

test('a base mode is the same with the same rule, in whatever order its members stand', () => {
  const rule = (targeting: unknown) => ({ mode: 'live', targeting }) as const;
  expect(sameBaseMode(rule({ a: 1, b: [{ c: 2, d: 3 }] }), rule({ b: [{ d: 3, c: 2 }], a: 1 }))).toBe(true);
  expect(sameBaseMode(rule({ a: [1, 2] }), rule({ a: [2, 1] }))).toBe(false);
  expect(sameBaseMode(rule(null), rule({ a: 1 }))).toBe(false);
  expect(sameBaseMode(rule(null), { mode: 'paused', targeting: null })).toBe(false);
});

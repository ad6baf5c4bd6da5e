import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RuleWindow } from '../../flags/index.ts';
import { nextChangeOf, phaseAt, timesOf } from '../../flags/rule-times.ts';

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

const weekly = (opens: readonly (readonly [number, number])[], drain = 0): RuleWindow => ({
  kind: 'weekly',
  words: 'Mon 01:00-02:00 UTC',
  since: iso(100),
  until: iso(1000),
  opens: opens.map(([from, until]): [string, string] => [iso(from), iso(until)]),
  drain_ms: drain * 1000,
});

/** What a window does from each of its changes on. */
function phases(window: RuleWindow | null): Record<number, string> {
  const times = timesOf(window);
  const found: Record<number, string> = {};
  for (let at: number | null = 50_000; at !== null; at = nextChangeOf(times, at)) found[at / 1000] = phaseAt(times, at);
  return found;
}

describe('a rule', () => {
  test('without a window applies always', () => {
    expect(phases(null)).toEqual({ 50: 'applies' });
    expect(phaseAt(null, null)).toBe('applies');
  });

  test('applies while its window is open, and before and after what is known of it', () => {
    expect(phases(weekly([[200, 300]]))).toEqual({
      50: 'applies',
      100: 'rests',
      200: 'applies',
      300: 'rests',
      1000: 'applies',
    });
    expect(
      phases(
        weekly([
          [50, 150],
          [900, 1100],
        ]),
      ),
    ).toMatchObject({ 100: 'applies', 150: 'rests', 900: 'applies', 1000: 'applies' });
  });

  test('drains before each opening, but not while it applies', () => {
    expect(
      phases(
        weekly(
          [
            [200, 300],
            [310, 400],
            [990, 1010],
          ],
          50,
        ),
      ),
    ).toEqual({
      50: 'applies',
      ...{ 100: 'rests', 150: 'drains', 200: 'applies' },
      ...{ 300: 'drains', 310: 'applies', 400: 'rests' },
      ...{ 940: 'drains', 990: 'applies', 1000: 'applies', 1010: 'applies' },
    });
    expect(phases(weekly([[110, 300]], 50))).toMatchObject({ 100: 'drains', 110: 'applies' }); // not before it is known
    expect(phases(weekly([[1020, 1030]], 50))).toMatchObject({ 970: 'drains', 1000: 'applies' });
  });

  test('for one time rests before it and after it', () => {
    const once = { kind: 'once', from: iso(200), until: iso(300), drain_ms: 10_000 } as const;
    expect(phases(once)).toEqual({ 50: 'rests', 190: 'drains', 200: 'applies', 300: 'rests' });
    expect(phases({ ...once, until: null })).toEqual({ 50: 'rests', 190: 'drains', 200: 'applies' });
  });

  test('applies at a time that nothing has confirmed, and by a clock that stands at zero', () => {
    const times = timesOf({ kind: 'once', from: iso(200), until: iso(300), drain_ms: 0 });
    expect([null, 0, 999, 1000].map((now) => phaseAt(times, now))).toEqual(['applies', 'applies', 'applies', 'rests']);
  });

  test('opens with the second in which its window does, and closes after the one in which that does', () => {
    const times = timesOf({
      kind: 'once',
      from: '1970-01-01T00:03:20.900Z',
      until: '1970-01-01T00:05:00.001Z',
      drain_ms: 1,
    });
    expect(times?.opens).toEqual([[200_000, 301_000]]);
    expect(times?.drains).toEqual([[199_000, 200_000]]);
  });

  test('does not change between one change and the next', () => {
    const span = fc.tuple(fc.integer({ min: 1, max: 1200 }), fc.integer({ min: 1, max: 200 }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 4 }), fc.nat(100), fc.nat(1_300_000), (spans, drain, now) => {
        const ends: [number, number][] = [];
        for (const [from, length] of spans.toSorted(([a], [b]) => a - b))
          if (from > (ends.at(-1)?.[1] ?? 0)) ends.push([from, from + length]);
        const times = timesOf(weekly(ends, drain));
        const next = nextChangeOf(times, now) ?? 2_000_000;
        const phase = now < 1000 ? 'applies' : phaseAt(times, now);
        for (const at of [now + 1, (now + next) / 2, next - 1])
          if (at > now && at < next) expect(phaseAt(times, at)).toBe(phase);
      }),
    );
  });
});

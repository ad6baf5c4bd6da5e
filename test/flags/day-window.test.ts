import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayAt, timeZoneProblem } from '../../flags/index.ts';

const HOUR = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const day = (time: string, zone: string): readonly [string, string] => {
  const { from, until } = dayAt(Date.parse(time), zone);
  return [iso(from), iso(until)];
};

describe('the day of a moment', () => {
  test('is that of its time zone', () => {
    expect(day('2026-01-15T23:30:00Z', 'Europe/Berlin')).toEqual([
      '2026-01-15T23:00:00.000Z',
      '2026-01-16T23:00:00.000Z',
    ]);
    expect(day('2026-01-15T23:30:00Z', 'UTC')).toEqual(['2026-01-15T00:00:00.000Z', '2026-01-16T00:00:00.000Z']);
    expect(day('2026-01-15T23:30:00Z', 'Pacific/Kiritimati')[0]).toBe('2026-01-15T10:00:00.000Z');
  });

  test('has 23 hours where clocks are put forward, and 25 where they are put back', () => {
    for (const [time, hours] of [
      ['2026-03-29T12:00:00Z', 23],
      ['2026-10-25T12:00:00Z', 25],
      ['2026-06-01T12:00:00Z', 24],
    ] as const) {
      const { from, until } = dayAt(Date.parse(time), 'Europe/Berlin');
      expect((until - from) / HOUR).toBe(hours);
    }
    expect(day('2026-03-29T12:00:00Z', 'Europe/Berlin')).toEqual([
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    expect(day('2026-10-25T00:30:00Z', 'Europe/Berlin')[0]).toBe('2026-10-24T22:00:00.000Z');
    expect(day('2026-10-25T22:59:59.999Z', 'Europe/Berlin')[0]).toBe('2026-10-24T22:00:00.000Z');
    expect(day('2026-10-25T23:00:00Z', 'Europe/Berlin')[0]).toBe('2026-10-25T23:00:00.000Z');
  });

  test('begins at 01:00 where midnight is left out', () => {
    expect(day('2018-11-04T12:00:00Z', 'America/Sao_Paulo')[0]).toBe('2018-11-04T03:00:00.000Z');
  });

  test('is one of days that follow each other without a gap, and holds the moment', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'UTC');
    fc.assert(
      fc.property(zones, fc.integer({ min: 1.4e12, max: 2e12 }), (zone, now) => {
        const { from, until } = dayAt(now, zone);
        expect(from <= now && now < until).toBe(true);
        expect(dayAt(until, zone).from).toBe(until);
        expect(dayAt(until - 1, zone)).toEqual({ from, until });
      }),
      { numRuns: 200 },
    );
  });
});

test('a time zone that does not exist is none', () => {
  expect(timeZoneProblem('Europe/Berlin')).toBeNull();
  for (const zone of ['', 'Europe/Nowhere', 'x'.repeat(200), 7, null]) expect(timeZoneProblem(zone)).not.toBeNull();
});

import { expect, test } from 'vitest';
import { dueAt, GIVEN_UP_MS, isTooOld, waitAfter } from '../../../operator/alerts/schedule.ts';

const HOUR = 3_600_000;

test('an alert is tried again after 1 s, 5 s, 30 s, 2 min, 10 min, and then every hour', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 1000].map(waitAfter)).toEqual([
    ...[1000, 5000, 30_000, 120_000, 600_000],
    ...[HOUR, HOUR, HOUR],
  ]);
});

test('it is given up when it is three days old, and so is tried about 76 times', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const begun = Date.parse(at);
  let [now, attempts] = [begun, 0];
  while (!isTooOld(at, now)) {
    attempts += 1;
    now += waitAfter(attempts);
  }
  expect(GIVEN_UP_MS).toBe(72 * HOUR);
  expect(attempts).toBe(77);
});

test('a time that no wait leads to, because a clock was set back, keeps nothing waiting', () => {
  expect(dueAt(new Date(10_000).toISOString(), 5000)).toBe(10_000);
  expect(dueAt(new Date(10 * HOUR).toISOString(), 5000)).toBe(5000);
  expect(dueAt(null, 5000)).toBe(5000);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { earlier, parseTime, type StoreTime, storeTimeAt, takeStoreTime } from '../../flags/index.ts';

const leaseMs = 5000;
const at = (mono: number) => ({ mono, wall: 7_000_000 + mono });

test.each([
  ['2026-01-01T00:00:00.000Z', Date.UTC(2026, 0, 1)],
  ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
  ['2026-01-01T01:00:00+01:00', null],
  ['2026-01-01', null],
  ['yesterday', null],
  ['', null],
  [1_767_225_600_000, null],
  [null, null],
])('%j as a time of a store is %j', (text, time) => {
  expect(parseTime(text)).toBe(time);
});

test('an earlier moment is earlier by both clocks', () => {
  expect(earlier({ mono: 100, wall: 5000 }, 30)).toEqual({ mono: 70, wall: 4970 });
});

test('it counts from when the question was sent, so it is ahead by the way to the store, and never behind', () => {
  const taken = takeStoreTime(null, { shown: 1000, sent: at(50) }, { now: at(90), leaseMs });
  expect(storeTimeAt(taken, at(50))).toBe(1000);
  expect(storeTimeAt(taken, at(90))).toBe(1040);
  expect(storeTimeAt(taken, at(1050))).toBe(2000);
});

test('after a slow answer a quick one makes it stand still, until the store’s clock has caught up', () => {
  const slow = takeStoreTime(null, { shown: 3000, sent: at(1000) }, { now: at(3000), leaseMs }); // the store shows mono
  expect(storeTimeAt(slow, at(4000))).toBe(6000);
  const quick = takeStoreTime(slow, { shown: 4000, sent: at(4000) }, { now: at(4000), leaseMs });
  expect([4000, 5000, 6000, 6001].map((mono) => storeTimeAt(quick, at(mono)))).toEqual([6000, 6000, 6000, 6001]);
});

test('an error does not grow: once the clock has caught up it is as good as its last confirmation', () => {
  let time = takeStoreTime(null, { shown: 0, sent: at(0) }, { now: at(0), leaseMs });
  for (let mono = 0; mono < 1_000_000; mono += 1700) {
    const late = mono % 3400 === 0 ? 900 : 0;
    time = takeStoreTime(time, { shown: mono + late, sent: at(mono) }, { now: at(mono + late), leaseMs });
    expect(storeTimeAt(time, at(mono + late)) - (mono + late)).toBeLessThanOrEqual(900);
  }
});

test('a store whose own clock was set back is followed: one wrong date must not decide for ever', () => {
  const wrong = takeStoreTime(null, { shown: Date.UTC(2099, 0), sent: at(0) }, { now: at(5), leaseMs });
  const right = takeStoreTime(wrong, { shown: Date.UTC(2026, 0), sent: at(1000) }, { now: at(1005), leaseMs });
  expect(storeTimeAt(right, at(2000))).toBe(Date.UTC(2026, 0) + 1000);
  const stepped = takeStoreTime(right, { shown: Date.UTC(2026, 0) - 6000, sent: at(2000) }, { now: at(2000), leaseMs });
  expect(storeTimeAt(stepped, at(2000))).toBe(Date.UTC(2026, 0) - 6000);
});

test('it goes back only by more than a lease, which is more than a round trip explains', () => {
  const before = takeStoreTime(null, { shown: 100_000, sent: at(0) }, { now: at(0), leaseMs });
  const after = (shown: number): number =>
    storeTimeAt(takeStoreTime(before, { shown, sent: at(0) }, { now: at(0), leaseMs }), at(0));
  expect([100_001, 99_999, 100_000 - leaseMs, 99_999 - leaseMs].map(after)).toEqual([
    100_001,
    100_000,
    100_000,
    99_999 - leaseMs,
  ]);
});

test('whatever the round trips are, it never runs backwards, is never behind the store, and never a lease ahead', () => {
  const trip = fc.record({ pause: fc.nat(4000), there: fc.nat(2400), back: fc.nat(2400) });
  fc.assert(
    fc.property(fc.array(trip, { minLength: 1, maxLength: 40 }), (trips) => {
      let time: StoreTime | null = null;
      let [mono, told] = [0, 0];
      for (const { pause, there, back } of trips) {
        mono += pause;
        const sent = at(mono);
        mono += there + back;
        time = takeStoreTime(time, { shown: mono - back, sent }, { now: at(mono), leaseMs }); // the store shows mono
        for (const later of [0, 1, 500]) {
          const now = storeTimeAt(time, at(mono + later));
          expect(now).toBeGreaterThanOrEqual(told);
          expect(now).toBeGreaterThanOrEqual(mono + later);
          expect(now).toBeLessThan(mono + later + leaseMs);
          told = now;
        }
        mono += 500;
      }
    }),
  );
});

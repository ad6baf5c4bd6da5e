import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confirmEveryMs, leftMs, requestMs, retryAfterMs } from '../../flags/lease.ts';
import {
  checkLeaseMs,
  type Instant,
  isLeaseValid,
  LEASE_MS,
  type Lease,
  lookAtLease,
  NO_LEASE,
  renewLease,
} from '../../flags/index.ts';

const LEASE = 5000;
const at = (mono: number, wall = mono): Instant => ({ mono, wall: wall + 1_700_000_000_000 });
const sentAt = (instant: Instant): Lease => renewLease(NO_LEASE, instant, instant, LEASE);
const valid = (lease: Lease, now: Instant): boolean => isLeaseValid(lease, now, LEASE);

describe('a lease', () => {
  test('is over before anything was confirmed', () => {
    expect(valid(NO_LEASE, at(0))).toBe(false);
  });

  test('lasts for less than its length since the confirmation was sent, not since it was taken', () => {
    const lease = renewLease(NO_LEASE, at(0), at(4000), LEASE);
    expect(valid(lease, at(4999))).toBe(true);
    expect(valid(lease, at(5000))).toBe(false);
  });

  test('is over when either clock says so', () => {
    expect(valid(sentAt(at(0)), at(5000, 10))).toBe(false); // the wall clock stands still
    expect(valid(sentAt(at(0)), at(10, 5000))).toBe(false); // the process was suspended
  });

  test('is over when the wall clock went back, and stays over when that is set forward again', () => {
    const lease = lookAtLease(sentAt(at(0)), at(1000), LEASE);
    expect(valid(lease, at(1001, 999))).toBe(false);
    const noticed = lookAtLease(lease, at(1001, 999), LEASE);
    expect(valid(noticed, at(1002, 1002))).toBe(false);
    expect(valid(renewLease(noticed, at(1003), at(1004), LEASE), at(1005))).toBe(true);
  });

  test('is over when the wall clock went back before the confirmation was sent', () => {
    expect(valid(sentAt(at(0)), at(1, -1))).toBe(false);
  });

  test('that was found over stays over, and only a new confirmation makes another', () => {
    const over = lookAtLease(sentAt(at(0)), at(5000), LEASE);
    expect(over.sent).toBeNull();
    expect(valid(over, at(5001, 4000))).toBe(false);
    expect(valid(renewLease(over, at(5001), at(5002), LEASE), at(5003))).toBe(true);
  });

  test('is not shortened by the reply to an older confirmation', () => {
    const lease = renewLease(sentAt(at(2000)), at(1000), at(2500), LEASE);
    expect(valid(lease, at(6999))).toBe(true);
  });

  test('lasts from a newer confirmation on, while the one before it still holds', () => {
    const lease = renewLease(sentAt(at(0)), at(3000), at(3001), LEASE);
    expect(valid(lease, at(7999))).toBe(true);
    expect(valid(lease, at(8000))).toBe(false);
  });

  test('is not given by a confirmation between whose sending and whose answer the wall clock went back', () => {
    expect(renewLease(NO_LEASE, at(1000), at(1001, 500), LEASE).sent).toBeNull();
  });

  test('is found over by the monotonic clock alone, while the wall clock stands still', () => {
    expect(lookAtLease(sentAt(at(0)), at(5000, 0), LEASE).sent).toBeNull();
  });

  test('is the same object after a look that shows nothing new: a look costs nothing', () => {
    const lease = sentAt(at(0));
    expect(lookAtLease(lease, at(1, 0), LEASE)).toBe(lease);
  });

  test.each([500, 60_000])('may last %d ms', (leaseMs) => {
    expect(checkLeaseMs(leaseMs)).toBe(leaseMs);
  });

  test.each([499, 60_001, Number.NaN, Number.POSITIVE_INFINITY])('may not last %d ms', (leaseMs) => {
    expect(() => checkLeaseMs(leaseMs)).toThrow(`leaseMs must be from 500 to 60000 milliseconds, not ${leaseMs}.`);
  });

  test('never lasts longer than its length since the last confirmation was sent, by either clock, whatever the clocks do', () => {
    const step = fc.record({
      kind: fc.constantFrom('look', 'renew'),
      mono: fc.nat({ max: 3000 }),
      wall: fc.integer({ min: -2000, max: 6000 }),
      age: fc.nat({ max: 4000 }),
    });
    let lasted = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
        let lease = NO_LEASE;
        let now = at(10_000);
        let last: Instant | null = null;
        for (const { kind, mono, wall, age } of steps) {
          now = { mono: now.mono + mono, wall: now.wall + wall };
          if (kind === 'renew') {
            const sent: Instant = { mono: now.mono - age, wall: now.wall - age };
            lease = renewLease(lease, sent, now, LEASE);
            if (last === null || sent.mono >= last.mono) last = sent;
          } else {
            lease = lookAtLease(lease, now, LEASE);
          }
          if (!valid(lease, now)) continue;
          lasted += 1;
          expect(now.mono - (last?.mono ?? Number.NEGATIVE_INFINITY)).toBeLessThan(LEASE);
          expect(now.wall).toBeGreaterThanOrEqual(lease.seen);
        }
      }),
    );
    expect(lasted).toBeGreaterThan(0);
  });

  test('has the bounds of the contract', () => {
    expect(LEASE_MS).toEqual({ min: 500, default: 5000, max: 60_000 });
  });
});

test.each([
  // leaseMs, confirmed every, tried again after, one request may take
  [500, 500 / 3, 50, 166],
  [1000, 1000 / 3, 100, 333],
  [5000, 5000 / 3, 500, 1666],
  [60_000, 20_000, 500, 20_000],
])('a lease of %i ms is confirmed every third of it, sooner after a failure', (leaseMs, every, after, request) => {
  expect([confirmEveryMs(leaseMs), retryAfterMs(leaseMs), requestMs(leaseMs)]).toEqual([every, after, request]);
});

test('a lease lasts from the sending by the monotonic clock', () => {
  expect(leftMs(at(1000, 7), at(3500, 9000), LEASE)).toBe(2500);
  expect(leftMs(at(1000), at(7000), LEASE)).toBe(-1000);
});

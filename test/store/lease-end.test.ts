import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Instant } from '../../flags/index.ts';
import { LeaseEnd } from '../../store/lease-end.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const announce = vi.fn();
  let mono = 0;
  const clock = (): Instant => ({ mono, wall: 5_000_000 });
  const pass = (ms: number): number => {
    mono += ms;
    vi.advanceTimersByTime(ms);
    return announce.mock.calls.length;
  };
  return { leaseEnd: new LeaseEnd({ leaseMs: 1000, clock, announce }), sentNow: clock, pass };
}

test('is announced once, no sooner than the lease has ended', () => {
  const { leaseEnd, sentNow, pass } = open();
  leaseEnd.countFrom(sentNow());
  expect([pass(1000), pass(1), pass(10_000)]).toEqual([0, 1, 1]);
});

test('counts from when the confirmation was sent', () => {
  const { leaseEnd, sentNow, pass } = open();
  const sent = sentNow();
  pass(400);
  leaseEnd.countFrom(sent);
  expect([pass(600), pass(1)]).toEqual([0, 1]);
});

test('is announced a moment later for a lease that is over already', () => {
  const { leaseEnd, sentNow, pass } = open();
  const sent = sentNow();
  pass(5000);
  leaseEnd.countFrom(sent);
  expect([pass(0), pass(1)]).toEqual([0, 1]);
});

test('is that of the last lease only', () => {
  const { leaseEnd, sentNow, pass } = open();
  leaseEnd.countFrom(sentNow());
  pass(900);
  leaseEnd.countFrom(sentNow());
  expect([pass(900), pass(101)]).toEqual([0, 1]);
});

test('is not announced where there is none any more', () => {
  const { leaseEnd, sentNow, pass } = open();
  leaseEnd.countFrom(sentNow());
  leaseEnd.countFrom(null);
  expect(pass(10_000)).toBe(0);
});

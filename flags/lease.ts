import { invalid } from './errors.ts';
import { quoteId } from './printable.ts';

/** One moment by two clocks, in milliseconds: the monotonic clock, and the wall clock. */
export interface Instant {
  readonly mono: number;
  readonly wall: number;
}

/** Reads both clocks; tests inject their own. */
export type Clock = () => Instant;

/** The shortest and the longest lease, and the usual one, in milliseconds. */
export const LEASE_MS = Object.freeze({ min: 500, default: 5000, max: 60_000 } as const);

/** @throws KillSwitchError INVALID_ARGUMENT: no number, or out of those bounds */
export function checkLeaseMs(leaseMs: number): number {
  if (!Number.isFinite(leaseMs) || leaseMs < LEASE_MS.min || leaseMs > LEASE_MS.max) {
    throw invalid(`leaseMs must be from ${LEASE_MS.min} to ${LEASE_MS.max} milliseconds, not ${quoteId(leaseMs)}.`);
  }
  return leaseMs;
}

/** How often whoever holds a lease has it confirmed, in milliseconds: a failure leaves time for further tries. */
export const confirmEveryMs = (leaseMs: number): number => leaseMs / 3;

/** How soon a confirmation that has failed is tried again, in milliseconds. */
export const retryAfterMs = (leaseMs: number): number => Math.min(500, Math.max(50, leaseMs / 10));

/** How long one confirmation may take, in milliseconds: never longer than until the next one is due. */
export const requestMs = (leaseMs: number): number => Math.floor(leaseMs / 3);

/** How long a lease that counts from `sent` still lasts, in milliseconds by the monotonic clock. */
export const leftMs = (sent: Instant, now: Instant, leaseMs: number): number => sent.mono + leaseMs - now.mono;

/**
 * How long a state may be trusted. `sent` is when the last confirmation that named the state was *sent* (null: never,
 * or a look has found the lease over); `seen` is the wall time at the last look, so that a wall clock that steps back
 * is noticed.
 */
export interface Lease {
  readonly sent: Instant | null;
  readonly seen: number;
}

export const NO_LEASE: Lease = Object.freeze({ sent: null, seen: Number.NEGATIVE_INFINITY });

/**
 * True while both clocks show less than the lease since the confirmation was sent, and the wall clock has not gone
 * back.
 */
export const isLeaseValid = (lease: Lease, now: Instant, leaseMs: number): boolean => {
  const { sent, seen } = lease;
  if (sent === null) return false;
  const wallAge = now.wall - sent.wall;
  return now.mono - sent.mono < leaseMs && wallAge < leaseMs && wallAge >= 0 && now.wall >= seen;
};

/** The lease after a look at the clocks: one that is found over stays over, also if a clock steps back afterwards. */
export function lookAtLease(lease: Lease, now: Instant, leaseMs: number): Lease {
  const sent = isLeaseValid(lease, now, leaseMs) ? lease.sent : null;
  return sent === lease.sent && now.wall === lease.seen ? lease : { sent, seen: now.wall };
}

/**
 * The lease after a confirmation that named the state and was sent at `sent`. One that was sent before the present one
 * changes nothing.
 */
export const renewLease = (lease: Lease, sent: Instant, now: Instant, leaseMs: number): Lease => {
  const looked = lookAtLease(lease, now, leaseMs);
  const newer = looked.sent === null || sent.mono >= looked.sent.mono;
  return lookAtLease({ sent: newer ? sent : looked.sent, seen: looked.seen }, now, leaseMs);
};

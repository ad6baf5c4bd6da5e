import type { ActiveKill, Instant } from '../flags/index.ts';

/** How far two clocks may be apart that agree, in milliseconds. */
const AGREEMENT_MS = 2000;

/** One look at the clocks: this process's before and after the store was asked, and what the store said. */
export interface ClockLook {
  readonly before: Instant;
  readonly after: Instant;
  /** The store's clock, in milliseconds since 1970. */
  readonly store: number;
}

/** What an operating process knows of the time. */
export interface Timekeeping {
  /** When it began, by its own clocks. */
  readonly started: Instant;
  /** False where the store's time is this machine's (a folder): two looks at one clock prove nothing. */
  readonly ownClock: boolean;
  /** The time of the newest event in the log. */
  readonly lastEventAt: number;
}

/** How it is known that a kill's time is over: it was waited for here, or two clocks say so. */
export type ExpiryProof = 'waited' | 'clocks';

/**
 * True while the store's clock and this machine's agree, and nobody has set this machine's (or let it sleep) since this
 * process began.
 */
export const clocksAgree = ({ before, after, store }: ClockLook, { started, ownClock }: Timekeeping): boolean =>
  ownClock &&
  after.mono - before.mono <= AGREEMENT_MS &&
  store >= before.wall - AGREEMENT_MS &&
  store <= after.wall + AGREEMENT_MS &&
  Math.abs(after.wall - started.wall - (after.mono - started.mono)) <= AGREEMENT_MS;

/**
 * Whether the time of a kill is over, and how that is known; null while it is not. A kill is lifted for good by this,
 * so no single clock is believed: the store's must say so and not be behind its own log; and besides, either this
 * process has waited for the kill's whole duration since it saw the kill, or a clock that is not the store's says the
 * same.
 */
export function expiryProof(
  { killed_at, expires_at }: ActiveKill,
  seen: Instant,
  look: ClockLook,
  time: Timekeeping,
): ExpiryProof | null {
  if (expires_at === null) return null;
  const end = Date.parse(expires_at);
  if (look.store < end || look.store < time.lastEventAt) return null;
  if (look.before.mono - seen.mono >= end - Date.parse(killed_at)) return 'waited';
  return look.after.wall >= end && clocksAgree(look, time) ? 'clocks' : null;
}

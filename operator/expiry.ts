import type { ActiveKill, Instant } from '../flags/index.ts';

/** How far apart two clocks may be and still agree, in milliseconds. */
const AGREEMENT_MS = 2000;

/** One reading of the clocks: this process's before and after the store was asked, and the store's. */
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

/** How it is known that a kill's time is over: this process has waited for it, or two clocks say so. */
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
 * How it is known that a kill's time is over; null while it is not known. This lifts a kill for good, so no single
 * clock decides. The store's clock must be past the end and not behind its own log. Besides, either this process has
 * waited for the kill's whole duration since it saw the kill, or another clock than the store's is past the end too.
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

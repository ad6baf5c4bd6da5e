import type { Instant } from './lease.ts';
import { timeSchema } from './records.ts';

/** A time of a store's clock (RFC 3339, UTC) in milliseconds since 1970; null for anything else. */
export function parseTime(text: unknown): number | null {
  const { success, data } = timeSchema.safeParse(text);
  return success ? Date.parse(data) : null;
}

/**
 * Tells the store's time, in milliseconds since 1970, as last confirmed plus what the monotonic clock has counted
 * since; null where nothing has confirmed it. A function, because every call is decided and few rules ask for the time.
 */
export type StoreNow = () => number | null;

/** So many milliseconds earlier, by both clocks. */
export const earlier = ({ mono, wall }: Instant, ms: number): Instant => ({ mono: mono - ms, wall: wall - ms });

/**
 * The store's clock as an executor knows it between two confirmations: it showed `shown` (milliseconds since 1970) when
 * this machine's monotonic clock showed `mono`, or a little later. No time before `least` is given out.
 */
export interface StoreTime {
  readonly shown: number;
  readonly mono: number;
  readonly least: number;
}

/**
 * What a confirmation says of the store's clock: it showed `shown` at some moment after `sent`, when the question was
 * sent.
 */
interface ShownTime {
  readonly shown: number;
  readonly sent: Instant;
}

/**
 * The store's time now, in milliseconds since 1970: as last confirmed, plus what this machine's monotonic clock has
 * counted since.
 *
 * It counts from when the question was *sent*, as the lease does. The store looked at its clock at some moment of the
 * round trip, so this is never behind that clock, and ahead of it by one round trip at most, which is less than a
 * lease: a slower answer confirms nothing. A window of time therefore never opens late, and closes early by no more
 * than that. While a machine is suspended its monotonic clock may stand still; its wall clock then ends the lease.
 */
export const storeTimeAt = ({ shown, mono, least }: StoreTime, now: Instant): number =>
  Math.max(least, shown + now.mono - mono);

/**
 * The store's time after a confirmation whose answer came at `now`.
 *
 * A quick answer after a slow one shows that it is a little earlier than it seemed. The time does not run backwards for
 * that: it stands still until the store's clock has caught up, so a window that has opened or closed stays so.
 * Rejected: to go on from the later of both. It is simpler, but each slow answer would add to the error for ever.
 *
 * A round trip explains no more than a lease. Where the time goes back further, the store's own clock was set back, and
 * is followed: rules are written in its time. If the time stood still instead, every window that one wrong date had
 * closed would stay closed until this process ends.
 */
export function takeStoreTime(
  before: StoreTime | null,
  { shown, sent }: ShownTime,
  { now, leaseMs }: { readonly now: Instant; readonly leaseMs: number },
): StoreTime {
  const next = { shown, mono: sent.mono, least: Number.NEGATIVE_INFINITY };
  if (before === null) return next;
  const shownNow = storeTimeAt(before, now);
  return shownNow - storeTimeAt(next, now) > leaseMs ? next : { ...next, least: shownNow };
}

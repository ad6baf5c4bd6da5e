import { Temporal } from 'temporal-polyfill';

/** A span of time, in milliseconds since 1970; `until` belongs to the next one. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** The last day that was asked for in each time zone: every call asks for the present one. */
const lastDays = new Map<string, Span>();
const MOST_ZONES = 1000;

/**
 * The day of a time zone that a moment belongs to: from its first moment to the next day's, so 23 or 25 hours where
 * clocks are changed, and from 01:00 where midnight is left out.
 * @throws RangeError for a time zone that does not exist
 */
export function dayAt(now: number, timeZone: string): Span {
  const last = lastDays.get(timeZone);
  if (last && last.from <= now && now < last.until) return last;
  const start = Temporal.Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(timeZone).startOfDay();
  const span = { from: start.epochMilliseconds, until: start.add({ days: 1 }).startOfDay().epochMilliseconds };
  if (lastDays.has(timeZone) || lastDays.size < MOST_ZONES) lastDays.set(timeZone, span);
  return span;
}

/** Why this is not the name of a time zone, or null. An offset such as `+02:00` is one without changes of clocks. */
export function timeZoneProblem(name: unknown): string | null {
  if (typeof name !== 'string' || name === '' || name.length > 100) return 'is not the name of a time zone';
  try {
    dayAt(0, name);
    return null;
  } catch {
    return 'is no time zone that is known here; write it as in Europe/Berlin';
  }
}

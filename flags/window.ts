import { Temporal } from 'temporal-polyfill';
import { invalid, messageOf } from './errors.ts';
import { quoteId } from './printable.ts';

// Only whoever changes a rule imports this: in the log a window is a list of instants, so that executors, exports and
// flagd need no knowledge of time zones, and none of them can read a window in another way.

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

const EXAMPLE = 'Mon-Fri 18:00-08:00 Europe/Berlin';

/** A window that comes back every week. */
export interface WeeklyWindow {
  /** The window as it is kept: days and zone in their usual spelling. */
  readonly words: string;
  /** The days on which it begins, 1 for Monday to 7 for Sunday. */
  readonly days: ReadonlySet<number>;
  /** When it begins, in minutes after midnight by the clocks of its zone: 0 to 1439. */
  readonly start: number;
  /** When it ends, in minutes after the midnight before its beginning: more than 1440 for the next day. */
  readonly end: number;
  readonly zone: string;
}

/** From an instant on, until before another, in milliseconds since 1970. */
export type Span = readonly [from: number, until: number];

const SHAPE = /^(?<days>\S+) +(?<from>\S+?)-(?<until>\S+) +(?<zone>\S+)$/;

/**
 * Reads `Mon-Fri 18:00-08:00 Europe/Berlin`: days, times of day, and a zone. A window belongs to the day on which it
 * begins, and ends on the next one where its end is not later than its beginning.
 * @throws KillSwitchError INVALID_ARGUMENT, with what is wrong and a right one
 */
export function parseWindow(text: unknown): WeeklyWindow {
  const wrong = (problem: string) =>
    invalid(`${quoteId(text)} is not a window: ${problem}. Write one such as "${EXAMPLE}".`);
  const found = typeof text === 'string' ? SHAPE.exec(text.trim())?.groups : undefined;
  if (!found) throw wrong('it takes days, a beginning and an end, and a time zone');
  const { days: dayNames = '', from = '', until = '', zone: zoneWord = '' } = found;
  const days = daysIn(dayNames, wrong);
  const start = minutesOf(from, wrong);
  const end = minutesOf(until, wrong);
  if (start === 1440) throw wrong('24:00 is an end; the day that begins then begins at 00:00');
  if (start === end)
    throw wrong(`it begins and ends at ${from}, so it would never be open; a whole day is 00:00-24:00`);
  const zone = zoneOf(zoneWord, wrong);
  return {
    words: `${inUsualSpelling(dayNames)} ${from}-${until} ${zone}`,
    ...{ days, start, zone, end: end > start ? end : end + 1440 },
  };
}

/** Says what is wrong with a text, as an error. */
export type Wrong = (problem: string) => Error;

/** The days that are named (`Mon-Fri`, `Mon,Thu`), 1 for Monday to 7 for Sunday. */
export const daysIn = (words: string, wrong: Wrong): ReadonlySet<number> =>
  new Set(words.split(',').flatMap((part) => daysOf(part, wrong)));

function daysOf(part: string, wrong: Wrong): number[] {
  const [first = '', last = first, ...others] = part.split('-');
  if (others.length > 0) throw wrong(`${quoteId(part)} is not one day, or from one day to another`);
  const [from, until] = [dayOf(first, wrong), dayOf(last, wrong)];
  const length = ((until - from + 7) % 7) + 1;
  return Array.from({ length }, (_, i) => ((from - 1 + i) % 7) + 1);
}

function dayOf(word: string, wrong: Wrong): number {
  const at = DAYS.findIndex((day) => day.toLowerCase() === word.toLowerCase());
  if (at < 0) throw wrong(`${quoteId(word)} is not a day: it is one of ${DAYS.join(', ')}`);
  return at + 1;
}

/** Days in their usual spelling. */
export const inUsualSpelling = (days: string): string =>
  days.replace(/[a-z]+/gi, (day) => day.slice(0, 1).toUpperCase() + day.slice(1).toLowerCase());

/** A time of day in minutes after midnight, 0 to 1440. */
export function minutesOf(text: string, wrong: Wrong): number {
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  const of = Number(hours) * 60 + Number(minutes);
  if (!(of <= 1440))
    throw wrong(`${quoteId(text)} is not a time of day: it is from 00:00 to 24:00, in two digits each`);
  return of;
}

/** A time zone in its usual spelling. */
export function zoneOf(word: string, wrong: Wrong): string {
  try {
    if (/^([A-Za-z][\w+/-]*|[+-]\d\d:\d\d)$/.test(word)) return new Temporal.ZonedDateTime(0n, word).timeZoneId;
  } catch {
    // said below
  }
  throw wrong(`${quoteId(word)} is not a time zone that is known here`);
}

/**
 * When a window is open in a stretch of time: each opening of which something lies in it, in order, those that meet as
 * one. Never narrower than its words: where the clocks are changed and a time of day comes twice or not at all, the
 * beginning is the earlier of its two readings and the end the later one.
 * @throws KillSwitchError INVALID_ARGUMENT for a stretch beyond what calendars reach
 */
export function compileWindow({ days, start, end, zone }: WeeklyWindow, [from, until]: Span): Span[] {
  try {
    const dateOf = (ms: number): Temporal.PlainDate =>
      Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
    const instant = (date: Temporal.PlainDate, minutes: number, disambiguation: 'earlier' | 'later'): number =>
      date
        .add({ days: Math.floor(minutes / 1440) })
        .toPlainDateTime({ hour: Math.floor((minutes % 1440) / 60), minute: minutes % 60 })
        .toZonedDateTime(zone, { disambiguation }).epochMilliseconds;
    const spans: Span[] = [];
    // A window ends a day after it has begun, and a zone may leave out a whole day: so the margin of three.
    const last = dateOf(until).add({ days: 3 });
    for (let date = dateOf(from).subtract({ days: 3 }); ; date = date.add({ days: 1 })) {
      if (Temporal.PlainDate.compare(date, last) > 0) break;
      if (!days.has(date.dayOfWeek)) continue;
      const span: Span = [instant(date, start, 'earlier'), instant(date, end, 'later')];
      if (span[1] > from && span[0] < until) spans.push(span);
    }
    return joined(spans);
  } catch (error) {
    throw invalid(`A window in ${zone} cannot be read for that time: ${messageOf(error)}.`);
  }
}

/** In order, those that overlap or meet as one. */
function joined(spans: readonly Span[]): Span[] {
  const all: [number, number][] = [];
  for (const [from, until] of spans.toSorted(([a], [b]) => a - b)) {
    const before = all.at(-1);
    if (before && from <= before[1]) before[1] = Math.max(before[1], until);
    else all.push([from, until]);
  }
  return all;
}

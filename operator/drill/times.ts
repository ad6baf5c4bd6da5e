import { Temporal } from 'temporal-polyfill';
import { invalid, quoteId } from '../../flags/index.ts';
import { daysIn, inUsualSpelling, minutesOf, zoneOf } from '../../flags/window.ts';

/** When drills of a schedule are due. */
export interface DrillTimes {
  /** As they are kept: days and zone in their usual spelling. */
  readonly words: string;
  /** The longest time from one to the next, in milliseconds. */
  readonly periodMs: number;
  /** The last time at or before a moment, in milliseconds since 1970. */
  readonly lastBefore: (now: number) => number;
  /** The first time after a moment. */
  readonly nextAfter: (now: number) => number;
}

const SHAPE = /^(?<days>\S+) +(?<at>\S+) +(?<zone>\S+)$/;
const DAY_MS = 86_400_000;

/**
 * Reads `Mon 10:00 Europe/Berlin`: days (`Mon`, `Mon,Thu`, `Mon-Fri`), a time of day, and a zone. Where clocks are
 * changed and that time comes twice, the first counts; where it is left out, the same time after the change (02:30 is
 * then 03:30).
 * @throws KillSwitchError INVALID_ARGUMENT, with what is wrong and a right one
 */
export function readDrillTimes(text: unknown): DrillTimes {
  const wrong = (problem: string) =>
    invalid(`${quoteId(text)} says not when: ${problem}. Write such as "Mon 10:00 Europe/Berlin".`);
  const found = typeof text === 'string' ? SHAPE.exec(text.trim())?.groups : undefined;
  if (!found) throw wrong('it takes days, a time of day, and a time zone');
  const { days: dayNames = '', at = '', zone: zoneName = '' } = found;
  const days = daysIn(dayNames, wrong);
  const minutes = minutesOf(at, wrong);
  if (minutes === 1440) throw wrong('24:00 is the end of a day; the next one begins at 00:00');
  const zone = zoneOf(zoneName, wrong);
  const dateOf = (ms: number): Temporal.PlainDate =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
  const instant = (date: Temporal.PlainDate): number =>
    date
      .toPlainDateTime({ hour: Math.floor(minutes / 60), minute: minutes % 60 })
      .toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds;
  /** From a week before to a week after: one of each day lies on either side. */
  const around = (now: number): number[] =>
    Array.from({ length: 17 }, (_, i) => dateOf(now).add({ days: i - 8 }))
      .filter((date) => days.has(date.dayOfWeek))
      .map(instant);
  return {
    words: `${inUsualSpelling(dayNames)} ${at} ${zone}`,
    periodMs: longestGap([...days].toSorted((a, b) => a - b)) * DAY_MS,
    lastBefore: (now) => Math.max(...around(now).filter((time) => time <= now)),
    nextAfter: (now) => Math.min(...around(now).filter((time) => time > now)),
  };
}

/** In days, from one of these days of the week to the next. */
const longestGap = (days: readonly number[]): number =>
  Math.max(...days.map((day, i) => ((days[(i + 1) % days.length] ?? day) - day + 7) % 7 || 7));

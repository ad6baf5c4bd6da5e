import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileWindow, parseWindow, type Span } from '../../flags/window.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

const iso = (spans: readonly Span[]): string[] =>
  spans.map((span) => span.map((at) => new Date(at).toISOString().replace(':00.000Z', 'Z')).join(' / '));

const compiled = (words: string, from: string, until: string): string[] =>
  iso(compileWindow(parseWindow(words), [Date.parse(from), Date.parse(until)]));

describe('a window in words', () => {
  test('is days, a beginning and an end, and a zone, in their usual spelling', () => {
    const { days, ...rest } = parseWindow('  mon-FRI   18:00-08:00  europe/berlin ');
    expect([...days]).toEqual([1, 2, 3, 4, 5]);
    const words = 'Mon-Fri 18:00-08:00 Europe/Berlin';
    expect(rest).toEqual({ words, start: 18 * 60, end: 32 * 60, zone: 'Europe/Berlin' });
    expect(parseWindow(words).words).toBe(words);
  });

  test.each<[string, readonly number[]]>([
    ['Sun', [7]],
    ['Mon,Wed', [1, 3]],
    ['Fri-Mon', [5, 6, 7, 1]],
    ['Mon-Sun', [1, 2, 3, 4, 5, 6, 7]],
    ['Sat,Mon-Tue', [6, 1, 2]],
    ['Mon-Mon', [1]],
  ])('has lists and ranges of days, also over the end of a week: %s', (days, numbers) => {
    expect([...parseWindow(`${days} 01:00-02:00 UTC`).days]).toEqual(numbers);
  });

  test.each([
    ['00:00-24:00', 0, 1440],
    ['18:00-00:00', 1080, 1440],
    ['22:00-24:00', 1320, 1440],
    ['23:59-00:01', 1439, 1441],
    ['09:00-17:30', 540, 1050],
  ])('ends on the next day where its end is not later: %s', (times, start, end) => {
    expect(parseWindow(`Mon ${times} UTC`)).toMatchObject({ start, end });
  });

  test.each(['+02:00', 'UTC', 'Asia/Kathmandu', 'Etc/GMT+5', 'CET'])('may be in the zone %s', (zone) => {
    expect(parseWindow(`Mon 01:00-02:00 ${zone}`).zone).toBe(zone);
  });

  test.each<[unknown, string]>([
    ['Mon-Fri 18:00-08:00 Europe/Berln', '"Europe/Berln" is not a time zone that is known here'],
    ['Mon-Fri 18:00-08:00 ../etc/passwd', '"../etc/passwd" is not a time zone that is known here'],
    ['Mon-Fri 18:00-08:00 2024-01-01[UTC]', '"2024-01-01[UTC]" is not a time zone that is known here'],
    ['Mon-Fri 18:00-08:00', 'it takes days, a beginning and an end, and a time zone'],
    ['18:00-08:00 Europe/Berlin', 'it takes days, a beginning and an end, and a time zone'],
    ['Mon - Fri 18:00-08:00 UTC', 'it takes days, a beginning and an end, and a time zone'],
    ['Mo-Fr 18:00-08:00 UTC', '"Mo" is not a day: it is one of Mon, Tue, Wed, Thu, Fri, Sat, Sun'],
    ['Mon- 18:00-08:00 UTC', '"" is not a day: it is one of Mon, Tue, Wed, Thu, Fri, Sat, Sun'],
    ['Mon-Wed-Fri 18:00-08:00 UTC', '"Mon-Wed-Fri" is not one day, or from one day to another'],
    ['Mon 8:00-09:00 UTC', '"8:00" is not a time of day: it is from 00:00 to 24:00, in two digits each'],
    ['Mon 08:00-24:30 UTC', '"24:30" is not a time of day: it is from 00:00 to 24:00, in two digits each'],
    ['Mon 08:00-09:60 UTC', '"09:60" is not a time of day: it is from 00:00 to 24:00, in two digits each'],
    ['Mon 24:00-08:00 UTC', '24:00 is an end; the day that begins then begins at 00:00'],
    ['Mon 18:00-18:00 UTC', 'it begins and ends at 18:00, so it would never be open; a whole day is 00:00-24:00'],
    ['', 'it takes days, a beginning and an end, and a time zone'],
    [7, 'it takes days, a beginning and an end, and a time zone'],
  ])('that is none is refused with what is wrong and a right one: %j', (text, problem) => {
    const shown = typeof text === 'string' ? JSON.stringify(text) : String(text);
    const message = `${shown} is not a window: ${problem}. Write one such as "Mon-Fri 18:00-08:00 Europe/Berlin".`;
    expect(() => parseWindow(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
  });
});

describe('the instants of a window', () => {
  test('belong to the day on which it begins', () => {
    // Friday 2026-01-02 to Tuesday 2026-01-06
    expect(compiled('Mon-Fri 18:00-08:00 Europe/Berlin', '2026-01-02T12:00:00Z', '2026-01-06T12:00:00Z')).toEqual([
      '2026-01-02T17:00Z / 2026-01-03T07:00Z', // until Saturday morning, and not on Sunday evening
      '2026-01-05T17:00Z / 2026-01-06T07:00Z',
    ]);
  });

  test('are joined where one window meets the next', () => {
    expect(compiled('Sat,Sun 00:00-24:00 UTC', '2026-01-01T00:00:00Z', '2026-01-06T00:00:00Z')).toEqual([
      '2026-01-03T00:00Z / 2026-01-05T00:00Z',
    ]);
    expect(compiled('Mon-Sun 08:00-07:59 UTC', '2026-01-01T07:59:00Z', '2026-01-03T08:00:00Z')).toHaveLength(2);
  });

  test('are those of which something lies in the stretch that is asked for', () => {
    expect(compiled('Mon-Sun 18:00-08:00 UTC', '2026-01-02T07:59:00Z', '2026-01-02T18:01:00Z')).toHaveLength(2);
    expect(compiled('Mon-Sun 18:00-08:00 UTC', '2026-01-02T08:00:00Z', '2026-01-02T18:00:00Z')).toEqual([]);
  });

  test('take the earlier beginning and the later end of an hour that comes twice', () => {
    // In Berlin 02:00 to 03:00 comes twice on 2026-10-25.
    const on = (words: string): string[] => compiled(words, '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z');
    expect(on('Sun 02:30-05:00 Europe/Berlin')).toEqual(['2026-10-25T00:30Z / 2026-10-25T04:00Z']);
    expect(on('Sun 01:00-02:30 Europe/Berlin')).toEqual(['2026-10-24T23:00Z / 2026-10-25T01:30Z']);
    expect(on('Sun 02:10-02:50 Europe/Berlin')).toEqual(['2026-10-25T00:10Z / 2026-10-25T01:50Z']);
    expect(on('Sat 18:00-08:00 Europe/Berlin')).toEqual(['2026-10-24T16:00Z / 2026-10-25T07:00Z']);
  });

  test('are no narrower for an hour that does not come', () => {
    // In Berlin there is no 02:00 to 03:00 on 2026-03-29: it is 01:00Z.
    const on = (words: string): string[] => compiled(words, '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z');
    expect(on('Sun 02:30-05:00 Europe/Berlin')).toEqual(['2026-03-29T00:30Z / 2026-03-29T03:00Z']);
    expect(on('Sun 01:00-02:30 Europe/Berlin')).toEqual(['2026-03-29T00:00Z / 2026-03-29T01:30Z']);
    expect(on('Sun 02:10-02:50 Europe/Berlin')).toEqual(['2026-03-29T00:10Z / 2026-03-29T01:50Z']);
    expect(on('Sat 18:00-08:00 Europe/Berlin')).toEqual(['2026-03-28T17:00Z / 2026-03-29T06:00Z']);
  });

  test('begin on a day that a zone has left out as well', () => {
    // Apia went from Thursday 2011-12-29 to Saturday 2011-12-31.
    expect(compiled('Fri 18:00-08:00 Pacific/Apia', '2011-12-29T00:00:00Z', '2012-01-01T00:00:00Z')).toEqual([
      '2011-12-30T04:00Z / 2011-12-30T18:00Z',
    ]);
  });

  test('cannot be had for times beyond the calendar', () => {
    expect(() => compileWindow(parseWindow('Mon 01:00-02:00 UTC'), [8.64e15 - DAY, 8.64e15])).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/^A window in UTC cannot be/),
      }),
    );
  });
});

/** What the clock on a wall shows in each minute of a year: the day of the week, and the minutes since midnight. */
function wallClock(zone: string, year: number): ReadonlyArray<readonly [day: number, minute: number]> {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    ...{ weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  const shown: Array<readonly [number, number]> = [];
  // A clock is only ever set at a full quarter of an hour, here.
  for (let at = Date.UTC(year, 0, 1); at < Date.UTC(year + 1, 0, 1); at += 15 * MINUTE) {
    const [, day = '', hour, minute] = /(\w{3}),? (\d\d):(\d\d)/.exec(parts.format(at)) ?? [];
    for (let more = 0; more < 15; more += 1)
      shown.push([days.indexOf(day) + 1, Number(hour) * 60 + Number(minute) + more]);
  }
  return shown;
}

const DAY_NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const time = fc
  .integer({ min: 0, max: 1439 })
  .map((minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`);
const nearNight = fc.constantFrom(
  '00:00',
  '00:30',
  '01:00',
  '01:45',
  '02:00',
  '02:15',
  '02:30',
  '03:00',
  '03:30',
  '23:30',
);
const hours = fc.oneof(time, nearNight);
const windowWords = fc
  .tuple(fc.subarray(DAY_NAMES, { minLength: 1 }), hours, fc.oneof(hours, fc.constant('24:00')))
  .filter(([, from, until]) => from !== until)
  .map(([days, from, until]) => `${days.join(',')} ${from}-${until}`);

describe('a window, beside a naive reading of the wall clock in each minute of a year', () => {
  /** `shift`: by how many minutes the clocks are set there; `changes`: how often in that year. */
  test.each([
    { zone: 'Europe/Berlin', year: 2026, shift: 60, changes: 2 },
    { zone: 'America/New_York', year: 2026, shift: 60, changes: 2 },
    { zone: 'America/Sao_Paulo', year: 2018, shift: 60, changes: 2 }, // at midnight
    { zone: 'Australia/Lord_Howe', year: 2026, shift: 30, changes: 2 },
    { zone: 'Asia/Kathmandu', year: 2026, shift: 0, changes: 0 },
    { zone: 'Pacific/Apia', year: 2011, shift: 1440, changes: 3 }, // one of them leaves out a day
    { zone: '-03:30', year: 2026, shift: 0, changes: 0 },
  ])('is never narrower, and wider only where the clocks are set: $zone', ({ zone, year, shift, changes }) => {
    const begin = Date.UTC(year, 0, 1);
    const wall = zone === '-03:30' ? fixedClock(year) : wallClock(zone, year);
    fc.assert(
      fc.property(windowWords, (words) => {
        const window = parseWindow(`${words} ${zone}`);
        const { days, start, end } = window;
        const open = new Uint8Array(wall.length);
        for (const [from, until] of compileWindow(window, [begin, begin + wall.length * MINUTE]))
          open.fill(1, Math.max(0, (from - begin) / MINUTE), Math.max(0, (until - begin) / MINUTE));
        let wider = 0;
        for (const [i, [day, minute]] of wall.entries()) {
          const before = day === 1 ? 7 : day - 1;
          const says = (days.has(day) && minute >= start && minute < end) || (days.has(before) && minute < end - 1440);
          if (says && open[i] === 0)
            throw new Error(`${words}: closed at ${new Date(begin + i * MINUTE).toISOString()}`);
          if (!says && open[i] === 1) wider += 1;
        }
        expect(wider).toBeLessThanOrEqual(2 * shift * changes);
      }),
      { numRuns: 25 },
    );
  });
});

/** What a clock shows that is three and a half hours behind UTC all year. */
const fixedClock = (year: number): ReadonlyArray<readonly [day: number, minute: number]> =>
  Array.from({ length: 365 * 1440 }, (_, minute) => {
    const local = new Date(Date.UTC(year, 0, 1) + (minute - 210) * MINUTE);
    return [local.getUTCDay() || 7, local.getUTCHours() * 60 + local.getUTCMinutes()];
  });

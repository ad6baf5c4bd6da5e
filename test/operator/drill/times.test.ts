import { describe, expect, test } from 'vitest';
import {
  type DrillKind,
  type Drills,
  type DrillSchedule,
  drillStateAt,
  isScheduleOverdue,
  NO_DRILLS,
  overdueDrill,
  overdueText,
} from '../../../flags/index.ts';
import { drillPage } from '../../../operator/drill/page.ts';
import type { DrillAnswer } from '../../../operator/drill/records.ts';
import { dueAt } from '../../../operator/drill/scheduled.ts';
import { readDrillTimes } from '../../../operator/drill/times.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const ms = (time: string): number => Date.parse(time);

describe('when a drill is due', () => {
  test.each([
    ['Mon 10:00 Europe/Berlin', '2026-01-07T00:00:00Z', '2026-01-05T09:00:00.000Z', '2026-01-12T09:00:00.000Z', 7],
    ['mon,thu 10:00 UTC', '2026-01-07T00:00:00Z', '2026-01-05T10:00:00.000Z', '2026-01-08T10:00:00.000Z', 4],
    ['Mon-Sun 00:00 UTC', '2026-01-07T00:00:00Z', '2026-01-07T00:00:00.000Z', '2026-01-08T00:00:00.000Z', 1],
    // clocks go forward: 02:30 is left out, and 03:30 stands for it; they go back: the first 02:30 counts
    ['Sun 02:30 Europe/Berlin', '2026-03-30T00:00:00Z', '2026-03-29T01:30:00.000Z', '2026-04-05T00:30:00.000Z', 7],
    ['Sun 02:30 Europe/Berlin', '2026-10-26T00:00:00Z', '2026-10-25T00:30:00.000Z', '2026-11-01T01:30:00.000Z', 7],
  ])('%s, seen at %s', (words, now, last, next, days) => {
    const times = readDrillTimes(words);
    expect([iso(times.lastBefore(ms(now))), iso(times.nextAfter(ms(now))), times.periodMs / 86_400_000]).toEqual([
      last,
      next,
      days,
    ]);
  });

  test.each([
    '',
    'Mon',
    '10:00 UTC',
    'Mon 10:00',
    'Mon 25:00 UTC',
    'Mon 24:00 UTC',
    'Funday 10:00 UTC',
    'Mon 10:00 Mars',
    7,
  ])('is not said by %j', (words) => {
    expect(() => readDrillTimes(words)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  const schedule = { words: 'Mon 10:00 UTC', at: '2026-01-01T00:00:00.000Z', taken: null };
  const due = '2026-01-05T10:00:00.000Z';

  test('is from its time on for an hour, once', () => {
    expect(dueAt(schedule, '2026-01-05T09:59:59.999Z')).toBeNull();
    expect(dueAt(schedule, due)).toBe(due);
    expect(dueAt(schedule, '2026-01-05T11:00:00.000Z')).toBe(due);
    expect(dueAt(schedule, '2026-01-05T11:00:00.001Z')).toBeNull();
    expect(dueAt({ ...schedule, taken: due }, '2026-01-05T10:30:00.000Z')).toBeNull();
    expect(dueAt({ ...schedule, taken: due }, '2026-01-12T10:00:00.000Z')).toBe('2026-01-12T10:00:00.000Z');
  });

  test('is not for a time before it was set', () => {
    expect(dueAt({ ...schedule, at: '2026-01-05T10:00:01.000Z' }, '2026-01-05T10:30:00.000Z')).toBeNull();
  });
});

describe('a drill is overdue', () => {
  const DAY = 86_400_000;
  const at = '2026-01-01T00:00:00.000Z';
  const later = (days: number): string => iso(ms(at) + days * DAY);
  const schedule: DrillSchedule = {
    ...{ name: 'weekly', kind: 'stop', target: null, window_ms: 5000, recipient: null, words: 'Mon 10:00 UTC' },
    ...{ period_ms: 7 * DAY, taken: null, epoch: 3, by: 'unverified:ann', at },
  };
  const passed = (kind: DrillKind, time: string): Drills => ({
    ...{ ...NO_DRILLS, schedules: [schedule], passed_at: { [kind]: time } },
  });

  test('a day after its schedule would have had it, if none of its kind was passed', () => {
    expect(isScheduleOverdue(schedule, NO_DRILLS, later(8))).toBe(false);
    expect(isScheduleOverdue(schedule, NO_DRILLS, iso(ms(later(8)) + 1))).toBe(true);
    expect(isScheduleOverdue(schedule, passed('stop', later(5)), later(13))).toBe(false);
    expect(isScheduleOverdue(schedule, passed('rollback', later(5)), later(9))).toBe(true);
  });

  test('where governance asks for one that is younger', () => {
    expect(overdueDrill(NO_DRILLS, null, later(99))).toBe(null);
    expect(overdueDrill(NO_DRILLS, DAY, at)).toEqual({ kind: 'stop', last_passed_at: null });
    const state = { ...passed('stop', at), schedules: [] };
    expect(overdueDrill(state, DAY, later(1))).toBe(null);
    // Another kind that was passed since is no answer to it.
    const both = { ...state, passed_at: { ...state.passed_at, exfiltration: later(2) } };
    const overdue = overdueDrill(both, DAY, later(2));
    expect(overdue).toEqual({ kind: 'stop', last_passed_at: at });
    expect(overdue && overdueText(overdue)).toBe(
      `A drill of the kind stop is overdue: the last one was passed at ${at}.`,
    );
  });

  test('and abandoned when it has said nothing until its time', () => {
    const running = { state: 'running', until: later(1) } as const;
    expect([drillStateAt(running, at), drillStateAt(running, later(1))]).toEqual(['running', 'abandoned']);
    expect(drillStateAt({ ...running, state: 'passed' }, later(2))).toBe('passed');
  });
});

test('the page of a drill loads nothing, and shows what executors wrote as text', () => {
  const evil = '<img src=x onerror=alert(1)>"\'&';
  const drill: DrillAnswer = {
    ...{ id: 'd-1', kind: 'stop', state: 'failed', target: `agent:${evil}`, window_ms: 5000, step: 'press' },
    ...{ by: evil, at: '2026-01-01T00:00:00.000Z', ended_at: '2026-01-01T00:00:09.000Z', schedule: null },
    ...{ executor_count: 2, slowest_ms: null, late_starts: 1, finding_count: 1, recipient: null, performer: null },
    executors: [
      { id: 'e', name: evil, acknowledged_ms: null, drained_ms: null, late_starts: 1, refused: 0 },
      { id: 'f', name: 'f', acknowledged_ms: 20, drained_ms: 30, late_starts: 0, refused: 4 },
    ],
    ...{ more_executors: 3, baseline: { starts: 5, in_flight: 1, interventions: 0, canary: 3 }, canary: null },
    phases: [
      { name: 'baseline', at_ms: 0, ms: 800 },
      { name: 'press', at_ms: 800, ms: 8000 },
    ],
    ...{ pressed_ms: 810, restored_ms: null, error_ms: 50, stands: ['all'], findings: [evil], notes: [evil] },
    ...{ elapsed_ms: 9000, before: [] },
  };
  const turned = drillPage({ ...drill, notes: ['a\u202eb', 'c\nd'] });
  expect(turned).toContain('<li>a\\u202eb</li><li>c\\nd</li>');
  const page = drillPage(drill);
  expect(page).not.toContain('<img');
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;');
  expect(page).not.toMatch(/<script|<link|src="|href=|url\(|@import/i);
  expect(page).toContain("default-src 'none'");
  expect(page.match(/<rect /g)).toHaveLength(4);
  expect(page).toContain('<line '); // the end of the window
});

import { printable, shownId } from '../../../flags/index.ts';
import { formatAge } from '../duration.ts';
import { forkLines } from '../forks.ts';
import { count } from '../output.ts';
import { alarming, modeStyle, stateStyle } from '../standing-out.ts';
import { within } from '../table.ts';
import { stateWord } from '../tables.ts';
import type { Line } from '../text.ts';
import { sectionsOf, stacked } from './sections.ts';
import { nothingSince, type View } from './view.ts';

/** What the frame says beside what was read. */
export interface Place {
  /** The store, without secrets. */
  readonly location: string;
  /** As in a context: makes the command lines in a sentence reach this switch. */
  readonly advice: (sentence: string) => string;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A store that has not answered for so long is said not to; it is asked about once a second. In milliseconds. */
const LATE_MS = 4000;

/** How many lines of what is wrong are shown before anything else. */
const ALARMS = 4;

/**
 * The view as lines: at most one for each row of the terminal, none wider than it is. First what is wrong, then how the
 * switch stands, then as much of each list as there is room for.
 * @param now this machine's clock, in milliseconds since 1970
 */
export function frame(view: View, { columns, rows }: Size, now: number, place: Place): Line[] {
  const head = [...headLines(view, now, place), ...alarmLines(view, now, place).slice(0, ALARMS)].slice(0, rows);
  const lists = stacked(sectionsOf(view, now), { columns, rows: rows - head.length });
  return [...head, ...lists].map((line) => within(columns, line));
}

function headLines({ status, events, oldest }: View, now: number, { location, advice }: Place): Line[] {
  const { mode, targeting, epoch, organization_id: organization, held_approvals: held } = status;
  const style = modeStyle(mode);
  const rule = targeting === null ? '' : ' (by a rule for some)';
  return [
    [
      'Mode ',
      style === undefined ? mode : { text: mode, style },
      `${rule}, epoch ${epoch}, ${killedWords(status.active_kills, status.killed_since ?? nothingSince({ status, events }), now)}`,
    ],
    `${printable(location)}, organization ${shownId(organization)}`,
    executorLine(status.executors),
    ...(held === null || held === 0
      ? []
      : [
          heed(
            `${count(held, 'request')} for a person${oldest === null ? '' : waitWords(oldest, now)}: ${advice('kill-switch approvals')}`,
          ),
        ]),
    ...(status.requests.length === 0
      ? []
      : [heed(`${count(status.requests.length, 'request')} for another person: ${advice('kill-switch requests')}`)]),
  ];
}

const heed = (text: string): Line => [{ text, style: 'heed' }];

const killedWords = (kills: number, since: string | null, now: number): string => {
  const words = kills === 0 ? 'nothing is killed' : count(kills, 'active kill');
  return since === null ? words : `${words} since ${sinceWords(Date.parse(since), now)}`;
};

/** `14:03:07 UTC (4m)`; with the day, where that is not the same any more. */
function sinceWords(since: number, now: number): string {
  const [day = '', time = ''] = new Date(since).toISOString().slice(0, 19).split('T');
  const isToday = new Date(now).toISOString().startsWith(day);
  return `${isToday ? '' : `${day} `}${time} UTC (${formatAge(now - since)})`;
}

const waitWords = ({ requested_at, expires_at }: NonNullable<View['oldest']>, now: number): string => {
  const left = Date.parse(expires_at) - now;
  const ends = left > 0 ? `${formatAge(left)} left` : 'over now';
  return `, the oldest for ${formatAge(now - Date.parse(requested_at))}, ${ends}`;
};

/** How many executors are in which state. */
function executorLine(executors: View['status']['executors']): Line {
  if (executors.length === 0) return 'No executor reports here.';
  const parts = (['stopped', 'draining', 'behind', 'silent'] as const).flatMap((state) => {
    const amount = executors.filter((executor) => executor.state === state).length;
    const text = `${amount} ${stateWord(state)}`;
    const style = stateStyle(state);
    return amount === 0 ? [] : [[', ', style === undefined ? text : { text, style }]];
  });
  return [`${count(executors.length, 'executor')}: `, ...parts.flat().slice(1)];
}

/** What keeps the switch, or this view of it, from being right. */
function alarmLines({ status, outage, readAt, note }: View, now: number, { advice }: Place): Line[] {
  const late = now - readAt > LATE_MS ? { since: readAt, problem: '' } : null;
  const silent = outage ?? late;
  return [
    ...(silent === null
      ? []
      : [
          `The store does not answer since ${sinceWords(silent.since, now)}: what is shown is older.${silent.problem === '' ? '' : ` ${silent.problem}`}`,
        ]),
    ...forkLines(status, advice).filter((line) => line !== ''),
    ...(status.store_problem === null ? [] : [status.store_problem]),
    ...(note === '' ? [] : [note]),
  ].map((line) => alarming(printable(line)));
}

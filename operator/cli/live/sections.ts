import { budgetWords, type KillRecord, type LogEvent, shownId } from '../../../flags/index.ts';
import type { ExecutorAcknowledgement } from '../../acknowledge.ts';
import { type BudgetRow, isNearlySpent } from '../../budget-rows.ts';
import type { HeldStopRow } from '../../held-stops.ts';
import { eventColumns } from '../event-line.ts';
import { formatAge } from '../duration.ts';
import { quoted } from '../output.ts';
import { modeCell } from '../standing-out.ts';
import { type Column, tableLines } from '../table.ts';
import { executorColumns, killColumns } from '../tables.ts';
import type { Line } from '../text.ts';
import type { View } from './view.ts';

/** A list of the view. */
interface Section {
  /** How many lines it takes to show all of it. */
  readonly whole: number;
  /** The first of them, so many, and at least two. */
  readonly lines: (rows: number, columns: number) => Line[];
}

/** The lists, the most important first; those that have nothing to show are left out. */
export function sectionsOf({ status, events }: View, now: number): readonly Section[] {
  const late = status.executors.filter(({ state }) => state !== 'stopped').sort(bySilence);
  return [
    section('KILLED', status.kills, killedColumns(now), status.active_kills),
    section('STOPPED BY EXECUTORS', status.stops, stopColumns(now)),
    section('NOT ACKNOWLEDGED', late, lateColumns(late)),
    section('BUDGET', status.budgets.toSorted(byShareLeft), budgetColumns),
    section('LAST CHANGE', events, changeColumns(now)),
  ].filter(({ whole }) => whole > 0);
}

/** In a narrow terminal the first columns of a list are worth more than a little of each. */
const columnsIn = (columns: number): number => (columns < 60 ? 3 : columns < 90 ? 5 : Number.POSITIVE_INFINITY);

/** @param total how many rows there are, where not all of them were read */
function section<Row>(
  heading: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  total = rows.length,
): Section {
  return {
    whole: rows.length === 0 ? 0 : rows.length + 1,
    lines(height, width) {
      const shown = rows.slice(0, height - 1);
      const of = shown.length < total ? ` (${shown.length} of ${total})` : '';
      const [first, ...others] = columns.filter(({ wide }) => wide !== true).slice(0, columnsIn(width));
      if (!first) return [];
      return tableLines([{ ...first, heading: `${heading}${of}` }, ...others], shown, { columns: width, wide: false });
    },
  };
}

/** The sections one below the other, with an empty line before each where there is room for all of them. */
export function stacked(
  sections: readonly Section[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): Line[] {
  const roomy = sections.reduce((sum, { whole }) => sum + Math.min(whole, ROOMY) + 1, 0) <= rows;
  const heights = share(sections, roomy ? rows - sections.length : rows);
  return sections.flatMap((each, at) => {
    const height = heights[at] ?? 0;
    return height === 0 ? [] : [...(roomy ? [''] : []), ...each.lines(height, columns)];
  });
}

/** A section of which so many lines are shown is not cramped. */
const ROOMY = 4;
/** A heading and a row. */
const LEAST = 2;

/** How many lines each gets: a heading and a row for each as long as there is room, then a line each in turn. */
function share(sections: readonly Pick<Section, 'whole'>[], rows: number): number[] {
  let left = rows;
  const heights = sections.map((): number => {
    if (left < LEAST) return 0;
    left -= LEAST;
    return LEAST;
  });
  for (let grew = true; grew && left > 0; ) {
    grew = false;
    for (const [at, { whole }] of sections.entries()) {
      const height = heights[at] ?? 0;
      if (left === 0 || height === 0 || height >= whole) continue;
      heights[at] = height + 1;
      left -= 1;
      grew = true;
    }
  }
  return heights;
}

/** The target first, as it can be pasted into `revive`. */
function killedColumns(now: number): readonly Column<KillRecord>[] {
  const [mode, target, ...others] = killColumns({ advice: (sentence) => sentence }, now);
  return target && mode ? [target, mode, ...others] : [];
}

const stopColumns = (now: number): readonly Column<HeldStopRow>[] => [
  { heading: 'TARGET', cell: ({ target }) => target },
  { heading: 'MODE', cell: ({ mode }) => modeCell(mode), fixed: true },
  {
    heading: 'SINCE',
    cell: ({ at }) => (at === null ? null : { ready: formatAge(now - Date.parse(at)) }),
    fixed: true,
  },
  { heading: 'BY', cell: ({ by }) => by },
  { heading: 'REASON', cell: ({ reason }) => (reason === null ? null : { ready: quoted(reason) }), gives: true },
];

/** What can be known least of comes first. */
const STATES = ['silent', 'behind', 'draining', 'stopped'] as const;
const bySilence = (a: ExecutorAcknowledgement, b: ExecutorAcknowledgement): number =>
  STATES.indexOf(a.state) - STATES.indexOf(b.state);

/** What is wrong with a report, or what its executor says, is shown in the place of its process. */
const lateColumns = (late: readonly ExecutorAcknowledgement[]): readonly Column<ExecutorAcknowledgement>[] =>
  executorColumns(late).map((column) =>
    column.heading === 'PROCESS'
      ? {
          ...column,
          cell: (executor) => {
            const said = executor.problem ?? executor.trouble;
            return said === undefined ? column.cell(executor) : { ready: quoted(said), style: 'alarm' };
          },
        }
      : column,
  );

/** The nearest to its end first. */
const byShareLeft = (a: BudgetRow, b: BudgetRow): number => shareLeft(a) - shareLeft(b);
const shareLeft = ({ left, limit, tripped }: BudgetRow): number =>
  tripped ? -1 : left === null ? 2 : limit === 0 ? 0 : left / limit;

const amount = (value: number | null): string => (value === null ? '?' : String(Math.round(value * 100) / 100));
const gone = ({ spent, reserved }: BudgetRow): number | null =>
  spent === null || reserved === null ? null : spent + reserved;

const budgetColumns: readonly Column<BudgetRow>[] = [
  { heading: 'BUDGET', cell: (row) => budgetWords(row) },
  {
    heading: 'SPENT',
    cell: (row) => ({
      ready: `${amount(gone(row))} of ${amount(row.limit)} ${row.type}${row.tripped ? ', tripped' : ''}`,
      style: row.tripped ? 'alarm' : isNearlySpent(row) ? 'heed' : undefined,
    }),
    fixed: true,
  },
  { heading: 'OF', cell: ({ counted, scope }) => (counted === scope ? null : counted) },
  { heading: 'DOES', cell: (row) => row.do, fixed: true },
];

/** The kind of the change first, then to what. */
function changeColumns(now: number): readonly Column<LogEvent>[] {
  const [seq, at, by, type, what, reason] = eventColumns(now);
  if (!seq || !at || !by || !type || !what || !reason) return [];
  const who = { ...by, cell: ({ actor }: LogEvent) => ({ ready: shownId(actor) }), gives: true as const };
  return [{ ...type, fixed: true }, what, at, who, reason, seq];
}

import { printable, shownId } from '../../flags/index.ts';
import type { RollbackAction } from '../rollback-outcomes.ts';
import type { RunRow } from '../run-rows.ts';
import type { EntryState, RunEntry } from '../runs.ts';
import { formatAge } from './duration.ts';
import { quoted, shortTime } from './output.ts';
import type { Cell, Column } from './table.ts';

/** A time; where tables are cut, how long ago it was. */
export const timeCell = (time: string, now: number): Cell => ({
  ready: shortTime(time),
  brief: formatAge(now - Date.parse(time)),
});

/** Names beside each other. */
export const namesCell = (names: readonly string[]): Cell =>
  names.length === 0 ? null : { ready: names.map(shownId).join(', ') };

/** Runs, and how many of their entries are in each state. */
export function runColumns(now = Date.now()): readonly Column<RunRow>[] {
  const states: readonly EntryState[] = [
    ...(['landed', 'in_flight', 'unknown', 'failed', 'not_started', 'not_landed'] as const),
    ...(['reversing', 'reversed', 'reverse_failed'] as const),
  ];
  return [
    { heading: 'RUN', cell: ({ run_id }) => run_id ?? { ready: '(outside any run)' } },
    { heading: 'ENTRIES', cell: ({ entries }) => entries, fixed: true },
    { heading: 'REVERSIBLE', cell: ({ reversible }) => reversible, fixed: true },
    ...states.map(
      (state): Column<RunRow> => ({
        heading: state.toUpperCase().replaceAll('_', ' '),
        cell: ({ states: counts }) =>
          state === 'unknown' && counts.unknown > 0
            ? { ready: `${counts.unknown}`, style: 'heed' }
            : counts[state] || null,
        fixed: true,
      }),
    ),
    { heading: 'BEGAN', cell: ({ first_at }) => (first_at === null ? null : timeCell(first_at, now)), fixed: true },
    { heading: 'LAST', cell: ({ last_at }) => (last_at === '' ? null : timeCell(last_at, now)), fixed: true },
    { heading: 'AGENT', cell: ({ agents }) => namesCell(agents) },
    { heading: 'OPEN IN', cell: ({ executors }) => namesCell(executors) },
  ];
}

/** Whether it can be undone, and by what. */
function undoCell({ state, reverse, not_reversible, reversal }: RunEntry): Cell {
  if (reversal && reverse) {
    const at = shortTime(reversal.at);
    const by = `by ${shownId(reverse.action)} at ${at}, asked by ${shownId(reversal.asked_by)}`;
    if (state === 'reversed') return { ready: `done ${by}` };
    const why = reversal.why === null ? '' : `: ${quoted(reversal.why)}`;
    if (state === 'reverse_failed') return { ready: `by ${shownId(reverse.action)}; failed before, at ${at}${why}` };
    return { ready: `not known, tried ${by}${why}` };
  }
  if (state !== 'landed') return null;
  if (reverse) return { ready: `by ${shownId(reverse.action)}` };
  return { ready: not_reversible === null ? 'no' : `no: ${quoted(not_reversible)}` };
}

/** What a run has done, as a timeline. */
export function entryColumns(now = Date.now()): readonly Column<RunEntry>[] {
  return [
    { heading: 'AT', cell: ({ at }) => timeCell(at, now), fixed: true },
    {
      heading: 'STATE',
      cell: ({ state }) => (state === 'unknown' ? { ready: state, style: 'heed' } : { ready: state }),
      fixed: true,
    },
    { heading: 'ACTION', cell: ({ action }) => action },
    { heading: 'KEY', cell: ({ idempotency_key }) => idempotency_key },
    { heading: 'CAN BE UNDONE', cell: undoCell, gives: true },
    { heading: 'TRY', cell: ({ attempt }) => (attempt > 1 ? attempt : null), fixed: true },
    { heading: 'AGENT', cell: ({ agent_id }) => agent_id, wide: true },
    { heading: 'EXECUTOR', cell: ({ executor }) => executor, wide: true },
    { heading: 'INTENDED', cell: ({ intended_at }) => intended_at, wide: true },
  ];
}

/** What became of undoing each effect. */
export const rollbackColumns = (): readonly Column<RollbackAction>[] => [
  {
    heading: 'OUTCOME',
    cell: ({ outcome }) =>
      outcome === 'failed' || outcome === 'unknown' ? { ready: outcome, style: 'heed' } : { ready: outcome },
    fixed: true,
  },
  { heading: 'ACTION', cell: ({ action }) => action },
  { heading: 'KEY', cell: ({ idempotency_key }) => idempotency_key },
  { heading: 'DETAIL', cell: ({ detail }) => ({ ready: printable(detail) }), gives: true },
  { heading: 'RUN', cell: ({ run_id }) => run_id, wide: true },
];

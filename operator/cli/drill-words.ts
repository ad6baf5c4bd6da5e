import { printable, shellWord, shownId } from '../../flags/index.ts';
import type { DrillPreview } from '../answers.ts';
import type { DrillAnswer, DrillRecord } from '../drill/records.ts';
import { KINDS } from '../drill/kinds.ts';
import type { Context } from './command.ts';
import { formatDuration } from './duration.ts';
import { formOf } from './listing.ts';
import { count, shortTime } from './output.ts';
import { type Column, tableLines } from './table.ts';
import type { Line } from './text.ts';

const ms = (value: number | null): string | null => (value === null ? null : `${value} ms`);

/** What a drill would stop, before it does. */
export function previewLines({
  kind,
  target,
  window_ms,
  stops,
  matched,
  performer,
  ...preview
}: DrillPreview): string[] {
  const { agents, runs, in_flight, executors } = matched;
  const names = (what: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${what}  ${list.slice(0, 10).map(shownId).join(', ')}${list.length > 10 ? ', …' : ''}`];
  return [
    `A drill of the kind ${kind}: it ${KINDS[kind].says}.`,
    stops
      ? `It stops ${shownId(target)}, really, until it has seen that everybody obeys within ${formatDuration(window_ms)}; then it gives that back.`
      : 'It gives nothing to be lifted: what it does ends by itself.',
    ...(kind === 'partition' && performer
      ? [
          `${shownId(performer.name)} (${performer.id}) does not hear its store for a little more than its lease of ${performer.lease_ms} ms.`,
        ]
      : []),
    ...names('Agents   ', agents),
    ...names('Runs     ', runs),
    `In flight  ${count(in_flight, 'action')}, in ${count(executors, 'executor')}`,
    ...preview.findings.map((finding) => `It would fail: ${printable(finding)}`),
    ...preview.notes.map((note) => `Note: ${printable(note)}`),
  ];
}

const columns: readonly Column<DrillAnswer['executors'][number]>[] = [
  { heading: 'EXECUTOR', cell: ({ name }) => name },
  { heading: 'ACKNOWLEDGED', cell: ({ acknowledged_ms }) => ms(acknowledged_ms) ?? 'no', fixed: true },
  { heading: 'DRAINED', cell: ({ drained_ms }) => ms(drained_ms), fixed: true },
  { heading: 'LATE STARTS', cell: ({ late_starts }) => late_starts, fixed: true },
  { heading: 'REFUSED', cell: ({ refused }) => refused, fixed: true },
  { heading: 'ID', cell: ({ id }) => id, wide: true },
];

/** How many executors a terminal shows. */
const SHOWN = 20;

/** A drill with all that it has measured. */
export function drillLines(drill: DrillAnswer, context: Pick<Context, 'advice' | 'screen'>): Line[] {
  const { id, kind, state, target, window_ms, executors, more_executors, baseline, canary, before } = drill;
  const shown = context.screen === null ? executors : executors.slice(0, SHOWN);
  const others = executors.length - shown.length + more_executors;
  const isBad = state === 'failed' || state === 'abandoned';
  const took = drill.elapsed_ms === null ? '' : `, ${drill.elapsed_ms} ms`;
  return [
    [
      isBad ? { text: `Drill ${id}: ${state}`, style: 'alarm' } : `Drill ${id}: ${state}`,
      `, ${kind} of ${shownId(target)}${took}`,
    ],
    `Asked by   ${shownId(drill.by)} at ${shortTime(drill.at)}${drill.schedule === null ? '' : `, for the schedule ${shownId(drill.schedule)}`}`,
    `Window     ${formatDuration(window_ms)}${drill.slowest_ms === null ? '' : `; the slowest executor took ${drill.slowest_ms} ms`}`,
    `Before     ${count(baseline.starts, 'action')} started, ${baseline.in_flight} in flight, ${count(baseline.interventions, 'other call')} answered`,
    ...(canary === null
      ? []
      : [
          `Canary     ${canary.landed} done by ${shownId(canary.executor)}, ${canary.refused} refused, ${canary.reversed} undone`,
        ]),
    ...(drill.restored_ms === null ? [] : [`Restored   after ${drill.restored_ms} ms`]),
    ...(shown.length === 0 ? [] : ['', ...tableLines(columns, shown, formOf(context, {}))]),
    ...(others > 0 ? [`… and ${count(others, 'more executor')}`] : []),
    ...(drill.findings.length === 0
      ? []
      : ['', ...drill.findings.map((text): Line => [{ text: printable(text), style: 'alarm' }])]),
    ...(drill.notes.length === 0 ? [] : ['', ...drill.notes.map((note) => `Note: ${printable(note)}`)]),
    ...drill.stands.map(
      (each) =>
        `${shownId(each)} stays stopped. ${context.advice(`To give it back: kill-switch revive ${shellWord(each)} --reason "…"`)}`,
    ),
    ...(before.length === 0
      ? []
      : [
          '',
          `The last drills of this kind: ${before.map((each) => `${each.state} ${shortTime(each.at)}${each.slowest_ms === null ? '' : ` (${each.slowest_ms} ms)`}`).join(', ')}`,
        ]),
  ];
}

/** Drills in a table. */
export const drillColumns: readonly Column<DrillRecord>[] = [
  { heading: 'KIND', cell: ({ kind }) => kind, fixed: true },
  {
    heading: 'STATE',
    cell: ({ state }) => ({ ready: state, style: state === 'failed' || state === 'abandoned' ? 'alarm' : undefined }),
    fixed: true,
  },
  { heading: 'AT', cell: ({ at }) => ({ ready: shortTime(at) }), fixed: true },
  { heading: 'TARGET', cell: ({ target }) => target },
  { heading: 'SLOWEST', cell: ({ slowest_ms }) => ms(slowest_ms), fixed: true },
  { heading: 'LATE', cell: ({ late_starts }) => late_starts, fixed: true },
  { heading: 'FINDINGS', cell: ({ finding_count }) => finding_count, fixed: true },
  { heading: 'BY', cell: ({ by, schedule }) => schedule ?? by },
  { heading: 'ID', cell: ({ id }) => id, fixed: true },
];

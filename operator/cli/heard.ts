import { printable, shownId } from '../../flags/index.ts';
import { type Acknowledgements, allStopped, type ExecutorAcknowledgement, type RunningWork } from '../acknowledge.ts';
import { forgetCommand } from '../forget-executor.ts';
import type { Context } from './command.ts';
import { formatDuration } from './duration.ts';
import { few, more } from './few.ts';
import { count, shortTime } from './output.ts';
import { type Column, type Form, tableLines } from './table.ts';
import { executorColumns, indistinct, problemLines } from './tables.ts';
import type { Line } from './text.ts';

// What a stop says of those who have heard it: who has applied it, what still runs, who is silent, and who cannot say.

/** An executor as a stop shows it: with the time after which it was first seen stopped, in milliseconds. */
export type ShownExecutor = ExecutorAcknowledgement & { readonly stopped_after_ms: number | null };

export type Shown = Omit<Acknowledgements, 'executors'> & { readonly executors: readonly ShownExecutor[] };

const isExport = ({ export: exported }: ExecutorAcknowledgement): boolean => exported !== undefined;

/** Executors that are waited for; an export only writes a file, and a silent one can act no more. */
const waitedFor = ({ executors }: Pick<Shown, 'executors'>): readonly ShownExecutor[] =>
  executors.filter((executor) => !isExport(executor) && !executor.over);

const stillRunning = (executors: readonly ExecutorAcknowledgement[]): number =>
  executors.reduce((sum, { draining, state }) => sum + (state === 'silent' ? 0 : draining), 0);

/**
 * One line on how many have obeyed. Exports are counted apart: writing their file stops no client by itself.
 * @param endsWork false for a change that only concerns what starts from then on
 */
export function headline(acknowledgements: Acknowledgements, endsWork = true): string {
  const { executors, elapsed_ms } = acknowledgements;
  const exports = executors.filter(isExport);
  const written = exports.filter(({ state }) => state === 'stopped').length;
  const writing = exports.length === 0 ? '' : `Written by ${written} of ${count(exports.length, 'export')}.`;
  const others = executors.filter((executor) => !isExport(executor) && !executor.over);
  if (others.length === 0) return writing;
  const applied = others.filter(({ state }) => state === 'stopped' || state === 'draining').length;
  const running = stillRunning(others);
  const obeyed = `Applied by ${applied} of ${count(others.length, 'executor')} after ${elapsed_ms} ms.`;
  const nothing = applied === others.length && endsWork ? 'Nothing that it hits runs there.' : '';
  const work =
    running > 0 ? `${count(running, 'action')} that it hits still ${running === 1 ? 'runs' : 'run'}.` : nothing;
  return [obeyed, work, writing].filter((part) => part !== '').join(' ');
}

/** How a stop was waited for. */
export interface Waited {
  /** How long it was to be waited for, in milliseconds. */
  readonly ms: number;
  readonly isInterrupted: boolean;
  /** False for a change that only concerns what starts from then on. */
  readonly endsWork: boolean;
}

const waitedText = ({ ms, isInterrupted }: Waited, elapsedMs: number): string =>
  isInterrupted
    ? `Interrupted after ${formatDuration(elapsedMs)}: `
    : ms === 0
      ? 'As of now, '
      : `After ${formatDuration(ms)}, `;

/** How it is shown: tables as wide as the screen, and command lines that reach this switch. */
export interface Showing {
  readonly form: Form;
  readonly advice: Context['advice'];
}

/** All that is known of those who have heard a stop: paragraphs with an empty line before each. */
export function heardLines(acknowledgements: Shown, how: Waited, showing: Showing): Line[] {
  const { form, advice } = showing;
  const waited = waitedText(how, acknowledgements.elapsed_ms);
  const { problem } = acknowledgements;
  const paragraphs: readonly (readonly Line[])[] =
    problem === undefined
      ? [
          [headline(acknowledgements, how.endsWork), ...executorLines(acknowledgements, showing)],
          runningLines(acknowledgements, form),
          clientLines(acknowledgements),
          overLines(acknowledgements, advice),
          unbelievedLines(acknowledgements, advice),
          allStopped(acknowledgements) ? [] : notYet(acknowledgements, waited, how.endsWork),
        ]
      : [
          [`The reports of the executors could not be read: ${printable(problem)}`],
          [`${waited}nothing is known of the executors.`, ...stands(acknowledgements, how.endsWork)],
        ];
  return paragraphs
    .map((lines) => lines.filter((line) => line !== ''))
    .flatMap((lines) => (lines.length === 0 ? [] : ['', ...lines]));
}

const STOPPED_AFTER: Column<ShownExecutor> = {
  heading: 'MS',
  cell: ({ stopped_after_ms }) => stopped_after_ms,
  fixed: true,
};

function executorLines({ executors, shared_writers }: Shown, { form, advice }: Showing): Line[] {
  const here = executors.filter(({ over }) => !over);
  if (here.length === 0) return [];
  const shown = few(here);
  const columns: Column<ShownExecutor>[] = executorColumns(shown).map((column) =>
    column.heading === 'HEARD' ? STOPPED_AFTER : column,
  );
  return [
    ...tableLines(columns, shown, form),
    ...more(here, shown).map(advice),
    ...problemLines(shown),
    ...indistinct(shared_writers),
  ];
}

/** How many actions that still run are shown. */
const RUNNING_ROWS = 20;

type RunningRow = RunningWork & { readonly executor: string };

const RUNNING: readonly Column<RunningRow>[] = [
  { heading: 'EXECUTOR', cell: ({ executor }) => executor },
  { heading: 'ACTION', cell: ({ action }) => action },
  { heading: 'AGENT', cell: ({ agent_id }) => agent_id },
  { heading: 'RUN', cell: ({ run_id }) => run_id, gives: true },
  { heading: 'FOR', cell: ({ running_ms }) => ({ ready: formatDuration(running_ms) }), fixed: true },
  { heading: 'SIGNAL', cell: (row) => ({ ready: signalText(row), style: 'heed' }), fixed: true },
];

/** The work that a stop has reached and that goes on, by name. */
function runningLines(acknowledgements: Shown, form: Form): Line[] {
  const running = waitedFor(acknowledgements).flatMap(({ name, work }) =>
    work.filter(({ draining }) => draining).map((row): RunningRow => ({ executor: name, ...row })),
  );
  if (running.length === 0) return [];
  const left = running.length - RUNNING_ROWS;
  return [
    'Still running:',
    ...tableLines(RUNNING, running.slice(0, RUNNING_ROWS), form),
    left > 0 ? `… and ${left} more` : '',
  ];
}

function signalText({ signalled_ms, reads_signal }: RunningWork): string {
  if (signalled_ms === null) return 'not fired: it may go on to its next step';
  const fired = `fired ${formatDuration(signalled_ms)} ago`;
  return reads_signal ? `${fired}, not heeded` : `${fired}, never read by its code`;
}

/** For each export: by when its clients, which cannot acknowledge, have stopped. */
const clientLines = ({ executors, unacknowledging_clients }: Shown): Line[] =>
  unacknowledging_clients.map(({ name, executor, writer, stops_by }) => {
    const is = executors.find((one) => one.id === executor && one.writer === writer)?.state;
    const file = printable(name);
    const bound = stops_by === null ? 'when they stop is not known' : `they have stopped by ${nextSecond(stops_by)}`;
    return is === 'stopped'
      ? `Clients of flagd that read ${file} cannot acknowledge: they obey once flagd has read it; ${bound}.`
      : `${file} is not written yet. Its clients cannot acknowledge: they go on with the old text until it ends; ${bound}.`;
  });

/** A time, no earlier than it is, without its fractions of seconds. */
const nextSecond = (time: string): string =>
  shortTime(new Date(Math.ceil(Date.parse(time) / 1000) * 1000).toISOString());

/** How many silent executors are named. */
const SILENT_NAMES = 3;

/** The silent ones that are not waited for, apart from the others. */
function overLines({ executors }: Shown, advice: Context['advice']): Line[] {
  const gone = executors.filter(({ over }) => over);
  if (gone.length === 0) return [];
  const named = gone.slice(0, SILENT_NAMES);
  const names = named.map(({ name, age_ms }) => `${shownId(name)} (heard ${formatDuration(age_ms)} ago)`).join(', ');
  const left = gone.length > named.length ? `, and ${gone.length - named.length} more` : '';
  const one = gone.length === 1;
  const begun = gone.reduce((sum, { draining, work }) => sum + Math.max(draining, work.length), 0);
  const possible = gone.reduce(
    (sum, { draining, unnamed, work }) => sum + Math.max(draining, work.length + unnamed),
    0,
  );
  const flying =
    begun > 0
      ? `${possible > begun ? 'At least ' : ''}${count(begun, 'action')} that it hits ${begun === 1 ? 'was' : 'were'}`
      : `${count(possible, 'action')} that it may hit ${possible === 1 ? 'was' : 'were'}`;
  return [
    `Silent, and not waited for: ${names}${left}. ${one ? 'Its lease is' : 'Their leases are'} over, so nothing can start there.`,
    possible === 0
      ? `Nothing that this stop hits was in flight there when ${one ? 'it was' : 'they were'} last heard of.`
      : `${flying} in flight there when last heard of, and may go on if the process still runs.`,
    `Gone for good? Take ${one ? 'it' : 'them'} out of the count: ${advice('kill-switch executors forget --silent')}`,
  ];
}

/** Those whose reports do not count: they may have a lease yet, so they are waited for until a person forgets them. */
function unbelievedLines({ executors }: Shown, advice: Context['advice']): Line[] {
  const some = few(
    executors.filter((executor) => executor.state === 'silent' && !executor.over && !isExport(executor)),
  );
  return some.length === 0
    ? []
    : [
        'Silent, and waited for, because it may be running. If one is gone, take it out of the count:',
        ...some.map((executor) => `  ${advice(forgetCommand(executor))}`),
      ];
}

/** What is true of those who have not obeyed yet. */
function notYet(acknowledgements: Shown, waited: string, endsWork: boolean): Line[] {
  const others = waitedFor(acknowledgements);
  const behind = others.filter(({ state }) => state === 'behind' || state === 'silent').length;
  const running = stillRunning(others);
  const missing = [
    ...(behind > 0 ? [`${count(behind, 'executor')} ${behind === 1 ? 'has' : 'have'} not applied it`] : []),
    ...(running > 0 ? [`${count(running, 'action')} ${running === 1 ? 'has' : 'have'} not ended`] : []),
  ];
  const what = missing.length === 0 ? 'not every export is written' : missing.join(', and ');
  const [first, ...rest] = stands(acknowledgements, endsWork);
  return [`${waited}${what}. ${first}`, ...rest];
}

/** What holds whatever executors report. @param endsWork false for a change that concerns only what starts later */
function stands({ executors }: Shown, endsWork: boolean): string[] {
  const lease = executors.reduce((longest, { lease_ms }) => Math.max(longest, lease_ms), 0);
  const bound = lease === 0 ? '' : ` (${Math.ceil(lease / 100) / 10} s at most)`;
  return [
    'The stop stands.',
    `New actions: it holds for them once an executor has applied it. Without an answer of the store nothing starts there once its lease${bound} is over.`,
    ...(endsWork
      ? ['Running ones: their signal fires when it is applied, but for a pause; what does not heed it runs to its end.']
      : []),
  ];
}

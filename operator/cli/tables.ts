import { causeFromRecord, describeCause, type KillRecord, printable, shownId } from '../../flags/index.ts';
import { namesOf } from '../../store/beats.ts';
import type { ReportedIntervention } from '../../store/reports.ts';
import type { ExecutorAcknowledgement, SharedWriter } from '../acknowledge.ts';
import type { SurfaceRow } from '../control-plane.ts';
import type { Context } from './command.ts';
import { formatDuration } from './duration.ts';
import { count, quoted, shortTime, table } from './output.ts';

/** Only an operating process ends a kill, so that no single wrong clock does. */
const OVERDUE = 'past its end: holds until kill-switch watch runs';

/** Active kills; the target is shown as it can be pasted into `revive`. */
export const killTable = (kills: readonly KillRecord[], advice: Context['advice']): string =>
  table(
    ['MODE', 'TARGET', 'SINCE', 'UNTIL', 'BY', 'REASON'],
    kills.map(({ mode, target, killed_at, expires_at, overdue, killed_by, reason }) => [
      mode,
      target,
      shortTime(killed_at),
      expires_at && `${shortTime(expires_at)}${overdue ? `, ${advice(OVERDUE)}` : ''}`,
      killed_by,
      reason === null ? null : { ready: quoted(reason) },
    ]),
  );

/** A state for people. */
export const stateText = ({ state, problem }: Pick<ExecutorAcknowledgement, 'state' | 'problem'>): string =>
  state !== 'silent' ? state : problem === undefined ? 'silent, lease over' : 'silent, see below';

/** One line for each report that does not count, with the reason, and for each trouble that an executor reports. */
export const problems = (executors: readonly ExecutorAcknowledgement[]): string =>
  executors
    .flatMap(({ id, name, problem, trouble }) => [
      ...(problem === undefined ? [] : [`\nThe report of ${shownId(id)} does not count: ${printable(problem)}.`]),
      ...(trouble === undefined ? [] : [`\n${shownId(name)} (${shownId(id)}) reports: ${printable(trouble)}`]),
    ])
    .join('');

/** How many executors there are, and how many exports (which only write a file for clients that cannot acknowledge). */
export function counted(executors: readonly ExecutorAcknowledgement[]): string {
  const exports = executors.filter(({ export: exported }) => exported !== undefined).length;
  const others = executors.length - exports;
  if (exports === 0) return count(others, 'executor');
  return others === 0 ? count(exports, 'export') : `${count(others, 'executor')} and ${count(exports, 'export')}`;
}

/** One line on executors that share a writer; empty where none do. */
export function indistinct(shared: readonly SharedWriter[]): string {
  if (shared.length === 0) return '';
  const groups = shared.slice(0, 3).map(({ writer, executors }) => `${executors.length} write as ${printable(writer)}`);
  const more = shared.length > 3 ? `, and ${shared.length - 3} more such groups` : '';
  return `\nNot told apart: ${groups.join(', ')}${more}. Each of them could report for the others.`;
}

/** A report of this age (in milliseconds) or older has no time of its own. */
const NEVER_MS = 20 * 365 * 86_400_000;

/** Executors with their state, the age of their report, and what is wrong with reports that do not count. */
export const executorTable = (executors: readonly ExecutorAcknowledgement[]): string =>
  table(
    ['EXECUTOR', 'STATE', 'EPOCH', 'IN FLIGHT', 'DRAINING', 'HEARD', 'PROCESS', 'ID'],
    executors.map(({ id, name, host, pid, state, epoch, in_flight, draining, age_ms, problem }) => [
      name,
      stateText({ state, problem }),
      epoch,
      in_flight,
      draining,
      age_ms > NEVER_MS ? 'never' : `${formatDuration(age_ms)} ago`,
      host === '' ? null : `${host}/${pid}`,
      id,
    ]),
  ) + problems(executors);

/** Decisions that were not `allow`, with their executor, their cause and the outcome of the call. */
export const interventionTable = (interventions: readonly ReportedIntervention[]): string =>
  table(
    ['AT', 'TYPE', 'ACTION', 'EXECUTOR', 'AGENT', 'RUN', 'STATUS', 'MODE', 'CAUSE'],
    interventions.map(
      ({ at, type, action, executor_name, writer, agent_id, run_id, status, mode, cause, proposal }) => [
        shortTime(at),
        type,
        action,
        namesOf({ name: executor_name, ...(writer !== null && { writer }) }).at(-1) ?? null,
        agent_id,
        run_id,
        proposal ? 'proposal' : status,
        mode,
        { ready: causeText(cause) },
      ],
    ),
  );

const SHOWN_AS = { id: shownId, words: quoted };

/** The text of a cause; only its kind where another version has recorded it. */
const causeText = (recorded: Readonly<Record<string, unknown>>): string => {
  const cause = causeFromRecord(recorded);
  return cause ? describeCause(cause, SHOWN_AS) : printable(String(recorded['kind']).slice(0, 100));
};

/** Actions, where they run, and what they lack. */
export const surfaceTable = (surfaces: readonly SurfaceRow[]): string =>
  table(
    ['ACTION', 'EFFECT', 'SURFACE', 'FEATURE', 'EXECUTOR', 'PROCESS', 'LAST USED', 'GAPS'],
    surfaces.map(({ action, effect, surface, feature, irreversible, executor, host, pid, last_used, gaps }) => [
      action,
      irreversible ? `${effect}, confirmed` : effect,
      surface,
      feature,
      executor,
      pid === null ? null : `${host}/${pid}`,
      last_used === null ? 'never' : shortTime(last_used),
      gaps.length === 0 ? null : gaps.join('; '),
    ]),
  );

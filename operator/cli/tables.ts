import { causeFromRecord, describeCause, type KillRecord, printable, shownId } from '../../flags/index.ts';
import { namesOf } from '../../store/beats.ts';
import type { ReportedIntervention } from '../../store/reports.ts';
import type { ExecutorAcknowledgement, ExecutorState, SharedWriter } from '../acknowledge.ts';
import type { ApprovalRecord, ApprovalStatus, StandingRecord } from '../approval-records.ts';
import type { SurfaceRow } from '../answers.ts';
import type { Context } from './command.ts';
import { formatAge, formatDuration } from './duration.ts';
import { modeCell, stateStyle } from './standing-out.ts';
import { count, quoted, shortTime, toJson } from './output.ts';
import type { Cell, Column } from './table.ts';
import type { Style } from './text.ts';

// The columns of the lists, and what is said beside them.

/** Only an operating process ends a kill, so that no single wrong clock does. */
const OVERDUE = 'past its end: holds until kill-switch watch runs';

/** A time; where tables are cut, how long ago it was. */
const timeCell = (time: string | null, now: number): Cell =>
  time === null ? null : { ready: shortTime(time), brief: formatAge(now - Date.parse(time)) };

const endCell = (
  { expires_at, overdue }: KillRecord,
  { advice, now }: { advice: Context['advice']; now: number },
): Cell => {
  if (expires_at === null) return null;
  const ready = shortTime(expires_at);
  if (!overdue) return { ready, brief: `in ${formatAge(Date.parse(expires_at) - now)}` };
  return { ready: `${ready}, ${advice(OVERDUE)}`, brief: 'overdue', style: 'heed' };
};

/** Active kills; the target is shown as it can be pasted into `revive`. */
export function killColumns({ advice }: Pick<Context, 'advice'>, now = Date.now()): readonly Column<KillRecord>[] {
  return [
    { heading: 'MODE', cell: ({ mode }) => modeCell(mode), fixed: true },
    { heading: 'TARGET', cell: ({ target }) => target },
    { heading: 'SINCE', cell: ({ killed_at }) => timeCell(killed_at, now), fixed: true },
    { heading: 'UNTIL', cell: (kill) => endCell(kill, { advice, now }), fixed: true },
    { heading: 'BY', cell: ({ killed_by }) => killed_by },
    { heading: 'REASON', cell: ({ reason }) => (reason === null ? null : { ready: quoted(reason) }), gives: true },
    { heading: 'ID', cell: ({ id }) => id, wide: true },
  ];
}

/**
 * A state as the screen has it. One that has applied a change and had nothing to stop goes on with other work: called
 * `stopped`, as in JSON, the fleet would look as if it were down.
 */
export const stateWord = (state: ExecutorState): string => (state === 'stopped' ? 'applied' : state);

const stateText = ({ state, problem }: Pick<ExecutorAcknowledgement, 'state' | 'problem'>): string => {
  if (state !== 'silent') return stateWord(state);
  return problem === undefined ? 'silent, lease over' : 'silent, see below';
};

/** One line for each report that does not count, with the reason, and for each trouble that an executor reports. */
export const problemLines = (executors: readonly ExecutorAcknowledgement[]): string[] =>
  executors.flatMap(({ id, name, problem, trouble }) => [
    ...(problem === undefined ? [] : [`The report of ${shownId(id)} does not count: ${printable(problem)}.`]),
    ...(trouble === undefined ? [] : [`${shownId(name)} (${shownId(id)}) reports: ${printable(trouble)}`]),
  ]);

/** How many executors there are, and how many exports (which only write a file for clients that cannot acknowledge). */
export function counted(executors: readonly ExecutorAcknowledgement[]): string {
  const exports = executors.filter(({ export: exported }) => exported !== undefined).length;
  const others = executors.length - exports;
  if (exports === 0) return count(others, 'executor');
  return others === 0 ? count(exports, 'export') : `${count(others, 'executor')} and ${count(exports, 'export')}`;
}

/** One line on executors that share a writer; none where none do. */
export function indistinct(shared: readonly SharedWriter[]): string[] {
  if (shared.length === 0) return [];
  const groups = shared.slice(0, 3).map(({ writer, executors }) => `${executors.length} write as ${printable(writer)}`);
  const more = shared.length > 3 ? `, and ${shared.length - 3} more such groups` : '';
  return [`Not told apart: ${groups.join(', ')}${more}. Each of them could report for the others.`];
}

/** A report of this age (in milliseconds) or older has no time of its own. */
const NEVER_MS = 20 * 365 * 86_400_000;

const heardCell = (ageMs: number): Cell =>
  ageMs > NEVER_MS ? { ready: 'never' } : { ready: `${formatDuration(ageMs)} ago`, brief: formatAge(ageMs) };

/** The ids that executors generate, of which a beginning is enough. Any other id is shown whole. */
const GENERATED = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const SHORTEST = 8;

/** How much of generated ids tells them apart. */
function beginning(ids: readonly string[]): number {
  const generated = [...new Set(ids.filter((id) => GENERATED.test(id)))];
  let length = SHORTEST;
  while (new Set(generated.map((id) => id.slice(0, length))).size < generated.length) length += 1;
  return length;
}

/** Executors with their state and the age of their report. */
export function executorColumns(
  executors: readonly ExecutorAcknowledgement[],
): readonly Column<ExecutorAcknowledgement>[] {
  const enough = beginning(executors.map(({ id }) => id));
  return [
    { heading: 'EXECUTOR', cell: ({ name }) => name },
    {
      heading: 'STATE',
      cell: (executor) => {
        const ready = stateText(executor);
        return { ready, brief: ready.replace(/,.*/, ''), style: stateStyle(executor.state) };
      },
      fixed: true,
    },
    { heading: 'EPOCH', cell: ({ epoch }) => epoch, fixed: true },
    { heading: 'IN FLIGHT', cell: ({ in_flight }) => in_flight, fixed: true },
    { heading: 'DRAINING', cell: ({ draining }) => draining, fixed: true },
    { heading: 'HEARD', cell: ({ age_ms }) => heardCell(age_ms), fixed: true },
    { heading: 'PROCESS', cell: ({ host, pid }) => (host === '' ? null : `${host}/${pid}`), gives: true },
    {
      heading: 'ID',
      cell: ({ id }) => (GENERATED.test(id) ? { ready: id, brief: id.slice(0, enough) } : id),
    },
    { heading: 'WRITER', cell: ({ writer }) => writer, wide: true },
  ];
}

/** Decisions that were not `allow`, and notices, with their executor, their cause and the outcome of the call. */
export function interventionColumns(now = Date.now()): readonly Column<ReportedIntervention>[] {
  return [
    { heading: 'AT', cell: ({ at }) => timeCell(at, now), fixed: true },
    { heading: 'TYPE', cell: ({ type }) => type },
    { heading: 'ACTION', cell: ({ action }) => action },
    {
      heading: 'EXECUTOR',
      cell: ({ executor_name: name, writer }) => namesOf({ name, ...(writer !== null && { writer }) }).at(-1) ?? null,
    },
    { heading: 'AGENT', cell: ({ agent_id }) => agent_id },
    { heading: 'RUN', cell: ({ run_id }) => run_id },
    { heading: 'STATUS', cell: ({ status, proposal }) => (proposal ? 'proposal' : status) },
    { heading: 'MODE', cell: ({ mode }) => modeCell(mode), fixed: true },
    { heading: 'CAUSE', cell: ({ cause }) => ({ ready: causeText(cause) }), gives: true },
    { heading: 'MISSION', cell: ({ mission_id }) => mission_id, wide: true },
    { heading: 'STATE', cell: ({ state }) => state, wide: true },
    { heading: 'EPOCH', cell: ({ epoch }) => epoch, wide: true },
    { heading: 'KEY', cell: ({ idempotency_key }) => idempotency_key ?? null, wide: true },
    { heading: 'ID', cell: ({ id }) => id, wide: true },
  ];
}

const SHOWN_AS = { id: shownId, words: quoted };

/** The text of a cause; only its kind where another version has recorded it. */
const causeText = (recorded: Readonly<Record<string, unknown>>): string => {
  const cause = causeFromRecord(recorded);
  return cause ? describeCause(cause, SHOWN_AS) : printable(String(recorded['kind']).slice(0, 100));
};

const STATUS_STYLES: Readonly<Partial<Record<ApprovalStatus, Style>>> = { pending: 'heed' };

const endsIn = (time: string, now: number): Cell => ({
  ready: shortTime(time),
  brief: Date.parse(time) > now ? `in ${formatAge(Date.parse(time) - now)}` : 'over',
});

/** What people are asked. What the agent has said stands in quotes, as its own words. */
export function approvalColumns(now = Date.now()): readonly Column<ApprovalRecord>[] {
  return [
    { heading: 'ID', cell: ({ id }) => ({ ready: id }), fixed: true },
    { heading: 'STATUS', cell: ({ status }) => ({ ready: status, style: STATUS_STYLES[status] }), fixed: true },
    { heading: 'ACTION', cell: ({ action }) => action },
    { heading: 'AGENT', cell: ({ agent_id }) => agent_id },
    { heading: 'ASKED', cell: ({ requested_at }) => timeCell(requested_at, now), fixed: true },
    { heading: 'EXPIRES', cell: ({ expires_at }) => endsIn(expires_at, now), fixed: true },
    {
      heading: 'COST',
      // Of the arguments that an approver gave in the place of others nobody has said what they cost.
      cell: ({ cost_usd, edited_input_hash: edited }) =>
        cost_usd === null ? null : edited === null ? `$${cost_usd}` : '?',
      fixed: true,
    },
    { heading: 'UNDO', cell: ({ reversible }) => (reversible ? 'yes' : 'no'), fixed: true },
    {
      heading: 'GIVEN',
      cell: ({ approvals_given, approvals_needed }) => `${approvals_given}/${approvals_needed}`,
      fixed: true,
    },
    {
      heading: 'THE AGENT SAYS',
      cell: ({ description, problem }) =>
        problem === null
          ? description === null
            ? null
            : { ready: quoted(description) }
          : { ready: `cannot be decided: ${printable(problem)}`, style: 'alarm' },
      gives: true,
    },
    { heading: 'RUN', cell: ({ run_id }) => run_id, wide: true },
    { heading: 'MISSION', cell: ({ mission_id }) => mission_id, wide: true },
    { heading: 'ASKED BY', cell: ({ requested_by }) => requested_by, wide: true },
    { heading: 'DECIDED BY', cell: ({ decided_by }) => decided_by, wide: true },
    { heading: 'WHY', cell: ({ why }) => (why === null ? null : { ready: printable(why) }), wide: true },
  ];
}

/** What is approved in advance. */
export function standingColumns(now = Date.now()): readonly Column<StandingRecord>[] {
  return [
    { heading: 'ID', cell: ({ id }) => ({ ready: id }), fixed: true },
    { heading: 'ACTION', cell: ({ action }) => action },
    { heading: 'AGENT', cell: ({ agent_id }) => agent_id },
    { heading: 'RUN', cell: ({ run_id }) => run_id },
    { heading: 'MATCH', cell: ({ match }) => (match === null ? null : { ready: toJson(match) }), gives: true },
    { heading: 'USED', cell: ({ used, times }) => `${used}/${times}`, fixed: true },
    { heading: 'UNTIL', cell: ({ until }) => endsIn(until, now), fixed: true },
    { heading: 'BY', cell: ({ allowed_by }) => allowed_by },
    { heading: 'NOTES', cell: ({ notes }) => (notes === null ? null : { ready: quoted(notes) }), gives: true },
  ];
}

/** Actions, where they run, and what they lack. */
export function surfaceColumns(now = Date.now()): readonly Column<SurfaceRow>[] {
  return [
    { heading: 'ACTION', cell: ({ action }) => action },
    { heading: 'EFFECT', cell: ({ effect, irreversible }) => (irreversible ? `${effect}, confirmed` : effect) },
    { heading: 'SURFACE', cell: ({ surface }) => surface },
    { heading: 'FEATURE', cell: ({ feature }) => feature },
    { heading: 'EXECUTOR', cell: ({ executor }) => executor },
    { heading: 'PROCESS', cell: ({ host, pid }) => (pid === null ? null : `${host}/${pid}`), gives: true },
    { heading: 'LAST USED', cell: ({ last_used }) => timeCell(last_used, now) ?? { ready: 'never' }, fixed: true },
    {
      heading: 'GAPS',
      cell: ({ gaps }) => (gaps.length === 0 ? null : { ready: printable(gaps.join('; ')) }),
      gives: true,
    },
    { heading: 'LIMITS', cell: ({ limits }) => (limits.length === 0 ? null : limits.join(', ')), wide: true },
    { heading: 'ID', cell: ({ executor_id }) => executor_id, wide: true },
  ];
}

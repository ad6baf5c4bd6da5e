import { invalid, KillSwitchError, type Resolved, shownId } from '../flags/index.ts';
import type { JournalEntry, JournalKeeper } from '../store/capabilities/journal.ts';
import { type ReversalState, type Said, type Undone } from '../store/reversals.ts';
import { entriesOf, firstLanded, sameEffect, Undoing } from '../store/rollback-list.ts';
import type { Heard } from './hearing.ts';
import { lifeOf } from './rollback-performer.ts';

/**
 * How an entry is shown: an intent without a known end is `unknown`, or `in_flight` where its executor lives and may be
 * at it; `not_landed`: an operator says so. What has landed
 * and was undone since, or was tried to be, is shown by that; there `unknown` is whether it is undone.
 */
export type EntryState =
  | 'landed'
  | 'failed'
  | 'not_started'
  | 'unknown'
  | 'in_flight'
  | 'not_landed'
  | 'reversing'
  | 'reversed'
  | 'reverse_failed';

/** One attempt at one effect of a run. */
export interface RunEntry {
  readonly idempotency_key: string;
  /** 1; more where the key was tried again. */
  readonly attempt: number;
  readonly action: string;
  readonly state: EntryState;
  /** When it landed, or what else became of it itself. When it was undone, or that was tried, is `reversal.at`. */
  readonly at: string;
  /** The action that undoes it, with its input as JSON; null: nothing does. */
  readonly reverse: { readonly action: string; readonly input: string | null } | null;
  /** Why nothing undoes what has landed; null where something does, and for what has not landed. */
  readonly not_reversible: string | null;
  readonly intended_at: string;
  readonly agent_id: string | null;
  readonly executor: string;
  /** What an operator has found out of it; null: nobody has said so. */
  readonly resolved: { readonly landed: boolean; readonly at: string } | null;
  /** The last try to undo it; null: there was none. */
  readonly reversal: RunReversal | null;
}

/** One try to undo something. */
export interface RunReversal {
  /** The key under which the journal has it. */
  readonly idempotency_key: string;
  readonly at: string;
  readonly executor: string;
  /** The rollback, and who has asked for it. */
  readonly rollback: string;
  readonly asked_by: string;
  /** Why it was not undone; null where it was, and where that is not known. */
  readonly why: string | null;
}

/** What a run has done. `count`: how many entries it has, also where `entries` has only some of them. */
export interface RunAnswer {
  readonly run_id: string | null;
  readonly entries: readonly RunEntry[];
  readonly count: number;
}

/** What operators have said of intents, as the state has it. */
export type ResolvedIntents = ReadonlyMap<string, Resolved>;

/** What is known beside the journal: what operators have said, and what executors say that they do. */
export interface Beside {
  readonly resolved: ResolvedIntents;
  readonly heard: Heard;
}

/**
 * Whether an intent may be carried out just now: nothing is recorded of its end, and its executor lives and does not
 * say that it does something else, or nothing. What it said about the time of the intent, or before, says nothing.
 */
function isInFlight({ state, executor_id, run_id, action, intended_at }: JournalEntry, heard: Heard): boolean {
  if (state !== 'intended' || lifeOf(heard, executor_id) !== 'alive') return false;
  const beat = heard.beats.find(({ id }) => id === executor_id);
  if (!beat || beat.problem !== undefined) return true;
  if (Date.parse(beat.heard_at ?? beat.at) <= Date.parse(intended_at) + beat.lease_ms) return true;
  const { work = [], in_flight } = beat;
  return work.length < in_flight || work.some((row) => row.action === action && row.run_id === run_id);
}

/**
 * One entry, as it is shown. `undone`: how far it is undone; default: nothing has tried to.
 */
export function runEntry(entry: JournalEntry, { resolved, heard }: Beside, undone?: Undone): RunEntry {
  const said = isOpen(entry) ? resolved.get(entry.id) : undefined;
  const landing = entry.state === 'landed' ? entry.landing : null;
  const reverse = landing?.reverse.is === 'reversible' ? landing.reverse : null;
  const reversal = undone?.last ? reversalOf(undone.state, undone.last) : null;
  return {
    idempotency_key: entry.idempotency_key,
    attempt: entry.attempt,
    action: entry.action,
    state: reversal && undone ? stateOnceLanded(undone.state) : stateOf(entry, said, heard),
    at: said?.at ?? entry.at,
    reverse: reverse && { action: reverse.action, input: reverse.input },
    not_reversible: notReversible(entry, said),
    intended_at: entry.intended_at,
    agent_id: entry.agent_id,
    executor: entry.executor_name,
    resolved: said ? { landed: said.landed, at: said.at } : null,
    reversal,
  };
}

/** What has landed, and nothing has undone, has landed. */
const stateOnceLanded = (state: ReversalState): EntryState => (state === 'not_reversible' ? 'landed' : state);

const reversalOf = (state: ReversalState, { idempotency_key, at, executor_name, rollback, ...last }: JournalEntry) => ({
  ...{ idempotency_key, at, executor: executor_name },
  rollback: rollback?.id ?? '',
  asked_by: rollback?.asked_by ?? '',
  why: state !== 'reversed' && 'why' in last ? (last.why ?? null) : null,
});

/** Whether an operator may say what became of it: its executor has not said that it landed, or that nothing started. */
const isOpen = ({ state }: JournalEntry): boolean => state !== 'landed' && state !== 'not_started';

function stateOf(entry: JournalEntry, said: Resolved | undefined, heard: Heard): EntryState {
  if (said) return said.landed ? 'landed' : 'not_landed';
  if (entry.state !== 'intended') return entry.state;
  return isInFlight(entry, heard) ? 'in_flight' : 'unknown';
}

function notReversible(entry: JournalEntry, said: Resolved | undefined): string | null {
  if (said?.landed) return 'how to undo it was not recorded: its executor ended before';
  if (entry.state !== 'landed' || entry.landing.reverse.is === 'reversible') return null;
  return entry.landing.reverse.why;
}

/** What a run itself has done, oldest first: not what has undone it, by which each says how far it is undone. */
export async function wholeRun(
  journals: JournalKeeper,
  run: string | null,
  beside: Beside,
): Promise<readonly RunEntry[]> {
  const undoing = new Undoing();
  const own: JournalEntry[] = [];
  for await (const entries of entriesOf(journals, run))
    for (const entry of entries) if (undoing.isOwn(entry)) own.push(entry);
  const said: Said = (intent) => beside.resolved.get(intent);
  const landed = firstLanded(own);
  return own.map((entry) => {
    const first = entry.state === 'landed' ? landed.get(entry.idempotency_key) : undefined;
    const shown = runEntry(entry, beside, first && undoing.of(first, said));
    return !first || first === entry ? shown : { ...shown, reverse: null, not_reversible: sameEffect(first) };
  });
}

/** What has landed, is not undone yet, and can be. */
export const canBeUndone = ({ state, reverse }: Pick<RunEntry, 'state' | 'reverse'>): boolean =>
  reverse !== null && (state === 'landed' || state === 'reverse_failed');

/**
 * The attempt of a key of which an operator is to say whether it has landed: the one that keeps the key from running;
 * else, where somebody has said so already, the last one.
 * @throws KillSwitchError NOT_FOUND, INVALID_STATE
 */
export async function toResolve(
  journals: JournalKeeper,
  { run, key }: { readonly run: string | null; readonly key: string },
  { resolved, heard }: Beside,
): Promise<JournalEntry> {
  const attempts = await journals.attemptsOf(key);
  const the = `the key ${shownId(key)}`;
  if (!attempts.some(({ run_id }) => run_id === run)) {
    const runs = [...new Set(attempts.map(({ run_id }) => run_id))].map((id) => (id === null ? 'no run' : shownId(id)));
    throw new KillSwitchError(
      'NOT_FOUND',
      `${run === null ? 'Outside any run' : `In the run ${shownId(run)}`} nothing was intended under ${the}${runs.length > 0 ? `; it was in ${runs.join(', ')}` : ''}. See them: kill-switch runs`,
    );
  }
  const landed = attempts.find(({ state }) => state === 'landed');
  if (landed)
    throw new KillSwitchError('INVALID_STATE', `What ${the} stands for has landed, by the word of its executor.`);
  const open = attempts.filter(isOpen);
  const found = open.find(({ id }) => resolved.get(id)?.landed !== false) ?? open.at(-1);
  if (found && isInFlight(found, heard))
    throw new KillSwitchError(
      'INVALID_STATE',
      `What ${the} stands for is in flight, as far as its executor ${shownId(found.executor_name)} (${shownId(found.executor_id)}) says, which lives: nobody can say yet what becomes of it. Wait until it has ended, or stop it (kill-switch kill ${shownId(stopOf(found))}) and wait; where its process has died just now, wait until its lease has passed.`,
    );
  if (found) return found;
  throw new KillSwitchError('INVALID_STATE', `Nothing of ${the} was started, so there is nothing to resolve.`);
}

/** What stops an entry. */
const stopOf = ({ run_id, agent_id, action }: JournalEntry): string =>
  run_id !== null ? `run:${run_id}` : agent_id !== null ? `agent:${agent_id}` : `action:${action}`;

export const noRun = (run: string | null): string =>
  `${run === null ? 'Outside any run' : `In the run ${shownId(run)}`} nothing was journaled: only actions with reverse, irreversible or journal: true are. See the runs: kill-switch runs`;

/** The journals of a store. @throws KillSwitchError INVALID_STATE where its driver keeps none */
export function journalsOf({ journals }: { readonly journals: JournalKeeper | null }): JournalKeeper {
  if (journals) return journals;
  throw new KillSwitchError('INVALID_STATE', 'This store keeps no journals, so no run can be shown.');
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenRun(what: string, run: unknown): string | null {
  if (run === null) return null;
  if (typeof run === 'string' && run !== '') return run;
  throw invalid(`${what} takes the id of a run, or null for what was done outside any run.`);
}

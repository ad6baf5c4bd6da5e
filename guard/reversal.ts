import { messageOf, type Rollback } from '../flags/index.ts';
import type { JournalIntent } from '../store/capabilities/journal.ts';
import { notEnded, reversalKey } from '../store/reversals.ts';
import type { RollbackItem } from '../store/rollback-list.ts';
import type { NormalisedAction } from './action.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import type { Outcome } from './outcome.ts';
import { perform } from './perform.ts';
import { inputHashOf } from './plain-data.ts';
import type { ReversalTerms } from './reversal-terms.ts';
import { stepsFor } from './steps/index.ts';
import { undoing } from './steps/undoing.ts';

/** An action of this process. What its calls take and return is known to the application alone. */
export type AnyAction = NormalisedAction<unknown, unknown>;

/** The actions of this process, by their names. */
export type Actions = ReadonlyMap<string, AnyAction>;

/** What came of one try to undo something. */
export type Tried =
  /** The journal says what became of it, and the next may be tried. */
  | { readonly is: 'recorded' }
  /** Nothing was tried: `why` is for the journal. The next may be tried. */
  | { readonly is: 'not tried'; readonly why: string }
  /** The rollback is stopped: nothing more may be tried. */
  | { readonly is: 'stopped'; readonly why: string };

/** The longest text that is kept of why something was not undone, in characters. */
const MOST_WHY = 500;

export const shortened = (why: string): string => (why.length > MOST_WHY ? `${why.slice(0, MOST_WHY - 1)}…` : why);

/** Everything that a rollback needs of the guard. */
export interface Reverser {
  readonly guard: Guard;
  readonly actions: Actions;
  readonly rollback: Rollback;
  readonly executorId: string;
}

/**
 * Which action undoes this, as the code here says now; or why none may. The journal is a report: what it names runs
 * only where the very action that has landed declares it here.
 */
function reverseActionOf({ entry, reverse }: RollbackItem, actions: Actions): AnyAction | string {
  const name = reverse?.action ?? '';
  const action = actions.get(name);
  if (!action) return `the action ${name} is not registered in the executor that performs this rollback`;
  const undone = actions.get(entry.action);
  if (!undone) return `the action ${entry.action} is not registered there, so nothing says that ${name} undoes it`;
  return undone.reverse?.action === name ? action : `${entry.action} does not declare there that ${name} undoes it`;
}

/** Whoever has done it does the undoing: what stops them now, and is not named, stops that. */
const identityOf = ({ entry }: RollbackItem): Identity => ({
  agentId: entry.agent_id ?? undefined,
  missionId: entry.mission_id ?? undefined,
  runId: entry.run_id ?? undefined,
  lineageAgents: entry.lineage?.agents ?? [],
  lineageMissions: entry.lineage?.missions ?? [],
  lineageRuns: entry.lineage?.runs ?? [],
});

/**
 * Tries to undo one thing, through the steps of every call. The kills that its rollback names are passed by the look at
 * the switch itself (`judgeReversing`), also the last one before `execute`. Never rejects.
 */
export async function reverseOne(reverser: Reverser, item: RollbackItem): Promise<Tried> {
  const { guard, actions, rollback, executorId } = reverser;
  const found = reverseActionOf(item, actions);
  if (typeof found === 'string') return { is: 'not tried', why: found };
  const action: AnyAction = { ...found, journal: true };
  const who = identityOf(item);
  const reversing = { rollback: rollback.id, executor: executorId };
  const asking: Guard = {
    ...guard,
    client: guard.reversing?.(reversing) ?? guard.client,
    identity: () => ({ ...who, reversing }),
  };
  let intent: JournalIntent | undefined;
  const reversal: ReversalTerms = {
    mark: { id: rollback.id, asked_by: rollback.asked_by, undoes: item.entry.id },
    inputHash: inputHashOf(item.reverse?.input ?? null),
    onIntended(intended) {
      intent = intended;
    },
    whyOf: (error) => shortened(messageOf(error)),
  };
  const late = new AbortController();
  const timer = setTimeout(() => {
    // Before it is told to stop: what it throws then says nothing of what it has done.
    const why = notEnded(rollback.timeout_ms);
    if (intent) void guard.journal?.end(intent, { state: 'unknown', why });
    late.abort(new Error(why));
  }, rollback.timeout_ms);
  try {
    const performable = { guard: asking, action, steps: stepsOf(action), reversal };
    const input: unknown = item.reverse?.input == null ? undefined : JSON.parse(item.reverse.input);
    const options = { signal: late.signal, waitMs: 0, idempotencyKey: reversalKey(item.entry.id) };
    const outcome = guard.within(who, () => perform(performable, input, options));
    return triedBy(await Promise.race([outcome, given(late.signal)]));
  } catch (error) {
    // What `execute` has thrown is in the journal; what was thrown before it was called is not.
    return intent ? { is: 'recorded' } : { is: 'not tried', why: shortened(messageOf(error)) };
  } finally {
    clearTimeout(timer);
  }
}

/** After `deciding`, whose decision it judges, and before anything is done by it. */
function stepsOf(action: AnyAction) {
  const steps = stepsFor(action, true);
  const after = steps.findIndex(({ name }) => name === 'deciding') + 1;
  return [...steps.slice(0, after), undoing, ...steps.slice(after)];
}

/** Resolves when the signal fires. */
const given = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));

/** The causes that concern one call alone: what else was done can be undone all the same. */
const OF_ONE_CALL: ReadonlySet<string> = new Set(['limit', 'budget', 'approval']);

function triedBy(outcome: Outcome<unknown> | null): Tried {
  if (outcome === null) return { is: 'recorded' };
  const { status, decision } = outcome;
  const { cause, message } = decision;
  if (status === 'executed' || status === 'redirected') return { is: 'recorded' };
  // Its intent is in the journal: it had started, or an earlier try of it had.
  if (status === 'aborted' && cause.kind === 'fault' && cause.code === 'LANDED_UNKNOWN') return { is: 'recorded' };
  const ofOneCall = OF_ONE_CALL.has(cause.kind) || (cause.kind === 'fault' && cause.code === 'UNSUPPORTED');
  return { is: status === 'blocked' && ofOneCall ? 'not tried' : 'stopped', why: shortened(message) };
}

import { shownId } from '../../flags/index.ts';
import type {
  JournalEnd,
  JournalEntry,
  JournalIntent,
  JournalLineage,
  Landing,
} from '../../store/capabilities/journal.ts';
import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import type { AttemptEnd } from '../ending.ts';
import { IdempotencyKeyError } from '../errors.ts';
import type { NotBegun } from '../journal.ts';
import { landingOf } from '../landing.ts';
import type { Outcome } from '../outcome.ts';
import type { GuardedSubject } from '../subject.ts';
import type { Next, Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * Has the intent written before anything starts, and what became of it before the call returns. A key that was intended
 * before is answered by the journal, and nothing runs.
 */
export const journal: Step = {
  name: 'journal',
  isFor: (action) => action.journal,
  async take<Input, Result>(attempt: Attempt<Input, Result>): Promise<Next<Result>> {
    if (!attempt.isRecorded) {
      const answered = await intend(attempt);
      if (answered !== 'go on') return answered;
    }
    attempt.renewInput();
    return 'go on';
  },
};

async function intend<Input, Result>(attempt: Attempt<Input, Result>): Promise<Next<Result>> {
  const { action, guard, plain, subject } = attempt;
  if (!guard.journal || !plain)
    return refuseUnsupported(attempt, 'an action that is journaled needs a store that keeps its journal');
  const idempotency_key = attempt.keyOf();
  const begun = await guard.journal.intend({
    idempotency_key,
    run_id: subject.runId ?? null,
    agent_id: subject.agentId ?? null,
    mission_id: subject.missionId ?? null,
    action: action.name,
    input_hash: attempt.reversal?.inputHash ?? plain.hash,
    approval_id: attempt.holding?.claimed?.id ?? null,
    ...(attempt.reservation && { reservation_id: attempt.reservation.id }),
    ...lineageOf(subject),
    ...(attempt.reversal && { rollback: attempt.reversal.mark }),
    idempotent: action.idempotent,
  });
  if (begun.is !== 'intended') return answered(attempt, begun);
  attempt.isRecorded = true;
  attempt.reversal?.onIntended(begun.intent);
  attempt.atEnd((end) => record(attempt, begun.intent, end));
  return 'go on';
}

/**
 * What the journal has recorded of an earlier call with the caller's key; null where it says nothing against this one.
 * For an attempt that people are about to be asked about: what has landed need not be approved again.
 */
export async function answeredBefore<Input, Result>(attempt: Attempt<Input, Result>): Promise<Outcome<Result> | null> {
  const { action, guard, options, plain } = attempt;
  const { idempotencyKey } = options;
  if (!action.journal || !guard.journal || idempotencyKey === undefined || !plain) return null;
  const found = await guard.journal.known({
    idempotency_key: idempotencyKey,
    action: action.name,
    input_hash: plain.hash,
    idempotent: action.idempotent,
  });
  return found.is === 'again' ? null : answered(attempt, found);
}

function answered<Input, Result>(attempt: Attempt<Input, Result>, begun: NotBegun): Outcome<Result> {
  const { action, decision, subject } = attempt;
  switch (begun.is) {
    case 'landed':
      return repeated(attempt, begun.landing);
    case 'unknown':
      return attempt.doubt(blocked(subject, faultCause('LANDED_UNKNOWN', doubtOf(begun.entry)), decision));
    case 'undone':
      return attempt.refuse(blocked(subject, faultCause('UNDONE', undoneOf(begun.entry)), decision));
    case 'reused':
      throw new IdempotencyKeyError(action.name, attempt.keyOf(), begun.what);
    case 'unavailable':
      return attempt.refuse(blocked(subject, faultCause('JOURNAL_UNAVAILABLE', begun.why), decision));
    default:
      return begun satisfies never;
  }
}

/** Whose child it is; nothing where it is nobody's. */
function lineageOf({ lineageAgents, lineageMissions, lineageRuns }: GuardedSubject): {
  readonly lineage?: JournalLineage;
} {
  if (!lineageAgents && !lineageMissions && !lineageRuns) return {};
  return { lineage: { agents: lineageAgents ?? [], missions: lineageMissions ?? [], runs: lineageRuns ?? [] } };
}

function repeated<Input, Result>(attempt: Attempt<Input, Result>, landing: Landing | null): Outcome<Result> {
  const recorded: unknown = landing?.result === null || !landing ? undefined : JSON.parse(landing.result);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `execute` returned then, as far as it is kept
  const result = recorded as Result;
  return attempt.repeat(landing?.redirected ? 'redirected' : 'executed', attempt.decision, result);
}

/** What a person has had undone is done again only under a key of its own. */
const undoneOf = ({ idempotency_key, intended_at }: JournalEntry): string =>
  `what the idempotency key ${shownId(idempotency_key)} stands for was done (${intended_at}) and then undone by a rollback: to do it again, take another key`;

/** Whether it landed is for a person to find out, who is told how to say so. */
function doubtOf({ idempotency_key, run_id, state, intended_at, executor_name }: JournalEntry): string {
  const key = shownId(idempotency_key);
  const before = `the idempotency key ${key} was tried before (${intended_at}, by ${shownId(executor_name)})`;
  const how = state === 'failed' ? 'that try has failed' : 'how that ended is not known';
  return `${before}, and ${how}: it may have landed, so nothing runs until an operator has said whether it has: kill-switch runs resolve ${shownId(run_id ?? '')} ${key} --landed, or --not-landed, --reason "…"`;
}

/** Writes how it ended; what has landed and cannot be written is said in the outcome. */
async function record<Input, Result>(
  attempt: Attempt<Input, Result>,
  intent: JournalIntent,
  end: AttemptEnd<Result>,
): Promise<void> {
  const stored = await attempt.guard.journal?.end(intent, endOf(attempt, end));
  if (end.is === 'landed' && !stored) attempt.mark({ recorded: false });
}

function endOf<Input, Result>(attempt: Attempt<Input, Result>, end: AttemptEnd<Result>): JournalEnd {
  if (end.is === 'not_started') return { state: end.is };
  if (end.is !== 'landed')
    return { state: end.is, ...(attempt.reversal && { why: attempt.reversal.whyOf(end.error) }) };
  const redirected = attempt.decision.verdict === 'redirect';
  const { plain } = attempt.effective;
  return { state: 'landed', landing: landingOf(attempt.action, { plain, result: end.result, redirected }) };
}

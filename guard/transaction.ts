import { type Decision, endedDecision, freezeDecision, invalid, quoteId } from '../flags/index.ts';
import type { LetThrough } from './around.ts';
import { blocked, faultCause } from './decide.ts';
import { ActionStoppedError } from './errors.ts';
import { evaluateMode } from './evaluate.ts';
import type { Guard } from './guard.ts';
import { preparedBy, whyNotIn } from './handlers.ts';
import { unidentified } from './identity.ts';
import type { Abort, Running } from './in-flight.ts';
import { LookedAt } from './looked-at.ts';
import { StartedWork } from './started-work.ts';
import { subjectOf } from './subject.ts';

/** A transaction of the application's database. */
export interface DatabaseTransaction {
  commit(): unknown;
  rollback(): unknown;
}

/** A transaction is decided about as a write that has no name. */
const TERMS = { name: undefined, effect: 'write', surface: 'background' } as const;

/**
 * A transaction that is open: in flight, and watched as an action is. In a call that people or a rollback have let
 * through it is decided by that very call while it runs, and by itself from then on.
 */
class OpenTransaction implements Running {
  readonly decision: Decision;
  readonly work = new StartedWork({});
  readonly subject: Running['subject'];
  readonly #alone: LookedAt;
  readonly #call: LetThrough | undefined;
  /** The first pause that has reached it. */
  #paused: Decision | null = null;

  constructor(subject: Running['subject'], alone: LookedAt, call: LetThrough | undefined) {
    this.subject = subject;
    this.#alone = alone;
    this.#call = call;
    this.decision = this.look();
  }

  get #by(): LetThrough | LookedAt {
    return this.#call?.isActive() ? this.#call : this.#alone;
  }

  /** Called with each change, one by one, also of several that came at once: what ends no work in flight is noted. */
  look(): Decision {
    const now = this.#call?.work.stoppedBy ?? this.#by.look();
    if (now.verdict === 'pause') this.#paused ??= now;
    return now;
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#alone.refresh(), this.#call?.refresh()]);
  }

  isActive(): boolean {
    return true;
  }

  stop(decision: Decision): Abort | null {
    return this.work.stop(freezeDecision(endedDecision(decision, 'rolled back')));
  }

  /** Why nothing may be written in this turn; null where it may. */
  refused(): Decision | null {
    const now = this.look();
    if (this.#call?.work.stoppedBy) return now;
    return now.verdict === 'allow' || (this.#call?.isActive() && now.verdict === this.#call.decision.verdict)
      ? null
      : now;
  }

  /** Why it must not be committed in this turn; null where it may. */
  stopped(): Decision | null {
    if (this.work.stoppedBy) return this.work.stoppedBy;
    const refused = this.refused() ?? this.#paused;
    return refused && endedDecision(refused, 'rolled back');
  }
}

/**
 * Commits what `work` has done in a transaction where it ends well and nothing has stopped it, and rolls it back
 * otherwise. The switch is looked at in the very turn that calls `commit`.
 *
 * @throws ActionStoppedError (BLOCKED before it has begun, ABORTED after that); what `work`, `begin` or `commit` throws
 */
export async function transaction<Tx extends DatabaseTransaction, Result>(
  guard: Guard,
  begin: () => Tx | Promise<Tx>,
  work: (tx: Tx, context: { readonly signal: AbortSignal }) => Result | Promise<Result>,
): Promise<Result> {
  for (const [what, given] of Object.entries({ begin, work }))
    if (typeof given !== 'function') throw invalid(`transaction() takes ${what} as a function, not ${quoteId(given)}.`);
  const period = guard.calls.begin();
  try {
    const identity = guard.identity();
    const subject = subjectOf(TERMS, guard.organizationId, identity);
    if (subject.agentId === undefined) {
      const cause = { kind: 'identity', message: unidentified(guard.requireRun) } as const;
      throw stoppedError('blocked', endedDecision(blocked(subject, cause), 'not begun'));
    }
    const handler = preparedBy(guard);
    if (handler !== null) {
      const cause = faultCause('UNSUPPORTED', whyNotIn(handler));
      throw stoppedError('blocked', endedDecision(blocked(subject, cause), 'not begun'));
    }
    const askedAt = performance.now();
    const evaluated = await evaluateMode(guard, subject, askedAt);
    const open = new OpenTransaction(subject, new LookedAt(guard, subject, { evaluated, askedAt }), callAround(guard));
    const refused = open.refused();
    if (refused) throw stoppedError('blocked', endedDecision(refused, 'not begun'));
    guard.inFlight.start(open);
    try {
      return await inTransaction(open, checked(await begin()), work);
    } finally {
      open.work.release();
      guard.inFlight.end(open);
    }
  } finally {
    guard.calls.end(period);
  }
}

const stoppedError = (status: 'blocked' | 'aborted', decision: Decision): ActionStoppedError =>
  new ActionStoppedError(status, decision, 'The transaction');

/** The call that this is a part of; undefined: none, or that of somebody else. */
function callAround({ around, parent }: Guard): LetThrough | undefined {
  const found = around.getStore();
  return found?.as === parent() ? found?.call : undefined;
}

async function inTransaction<Tx extends DatabaseTransaction, Result>(
  open: OpenTransaction,
  tx: Tx,
  work: (tx: Tx, context: { readonly signal: AbortSignal }) => Result | Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    const stopped = open.stopped(); // while it began
    if (stopped) throw stoppedError('aborted', stopped);
    result = await work(tx, { signal: open.work.signal });
    await open.refresh();
    const last = open.stopped();
    if (last) throw stoppedError('aborted', last);
  } catch (error) {
    await tx.rollback();
    throw error;
  }
  try {
    await tx.commit(); // in the turn of the last look
  } catch (error) {
    await Promise.resolve(tx.rollback()).catch(() => {}); // most databases have ended it already
    throw error;
  }
  return result;
}

function checked<Tx extends DatabaseTransaction>(tx: Tx): Tx {
  if (typeof tx?.commit === 'function' && typeof tx.rollback === 'function') return tx;
  throw invalid('begin of transaction() must give { commit, rollback } of the transaction that it has begun.');
}

import { type Decision, endedDecision, freezeDecision, invalid, quoteId } from '../flags/index.ts';
import { blocked } from './decide.ts';
import { ActionStoppedError } from './errors.ts';
import { evaluateMode } from './evaluate.ts';
import type { Guard } from './guard.ts';
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

/** A transaction that is open: in flight, and watched as an action is. */
class OpenTransaction extends LookedAt implements Running {
  readonly decision: Decision;
  readonly work = new StartedWork({});
  readonly subject: Running['subject'];

  constructor(guard: Guard, subject: Running['subject'], start: ConstructorParameters<typeof LookedAt>[2]) {
    super(guard, subject, start);
    this.subject = subject;
    this.decision = this.look();
  }

  isActive(): boolean {
    return true;
  }

  stop(decision: Decision): Abort | null {
    return this.work.stop(freezeDecision(endedDecision(decision, 'stopped without effect')));
  }

  /** Why it must not be committed in this turn; null where it may. */
  stopped(): Decision | null {
    if (this.work.stoppedBy) return this.work.stoppedBy;
    const now = this.look();
    return now.verdict === 'allow' ? null : endedDecision(now, 'stopped without effect');
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
      throw new ActionStoppedError('blocked', blocked(subject, cause));
    }
    const askedAt = performance.now();
    const open = new OpenTransaction(guard, subject, {
      evaluated: await evaluateMode(guard, subject, askedAt),
      askedAt,
    });
    if (open.decision.verdict !== 'allow') throw new ActionStoppedError('blocked', open.decision);
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

async function inTransaction<Tx extends DatabaseTransaction, Result>(
  open: OpenTransaction,
  tx: Tx,
  work: (tx: Tx, context: { readonly signal: AbortSignal }) => Result | Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    const stopped = open.stopped(); // while it began
    if (stopped) throw new ActionStoppedError('aborted', stopped);
    result = await work(tx, { signal: open.work.signal });
    await open.refresh();
    const last = open.stopped();
    if (last) throw new ActionStoppedError('aborted', last);
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

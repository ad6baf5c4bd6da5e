import { type Decision, endedDecision, freezeDecision } from '../flags/index.ts';
import type { Attempt } from './attempt.ts';
import { blocked, faultCause } from './decide.ts';
import { ActionResultError } from './errors.ts';
import type { Origin } from './origin.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import { mustStop, type Abort } from './in-flight.ts';
import { LookedAt } from './looked-at.ts';
import { type EndPart, holdResult, mayGoOn, type OpenPart } from './ongoing/index.ts';
import type { Outcome } from './outcome.ts';
import { ResultPart, type WholeResult } from './result-part.ts';
import { StartedWork } from './started-work.ts';
import type { GuardedSubject } from './subject.ts';

/**
 * A running action, until its result can act no more. It is watched by the decision that let it through, and ends the
 * attempt that started it.
 */
export class RunningAction<Input, Result> extends LookedAt implements WholeResult, Origin {
  readonly decision: Decision;
  readonly work: StartedWork;
  readonly #attempt: Attempt<Input, Result>;
  /** The parts of its result that can still act; made only where there are any. */
  #parts: Set<ResultPart> | undefined;
  #returned = false;
  /** What it has returned, while that goes on. Held weakly: what nobody can reach any more has ended. */
  #goesOn: WeakRef<object> | undefined;
  /** True once a stop has ended what it had returned: nobody knows how far that had come. */
  #isCut = false;
  #recorded = false;

  /** @param decision the last look, in the same turn */
  constructor(attempt: Attempt<Input, Result>, decision: Decision) {
    super(attempt.guard, attempt.subject, attempt);
    this.#attempt = attempt;
    this.decision = decision;
    // The caller's signal may be that of another attempt, fired by a stop. What this action returned must end before
    // its own signal fires.
    this.work = new StartedWork({ signal: attempt.signal, idempotencyKey: attempt.idempotencyKey }, () => {
      const now = this.look();
      if (mustStop(this.decision, now)) this.stop(freezeDecision(now))?.();
    });
  }

  get guard(): Guard {
    return this.#attempt.guard;
  }

  get identity(): Identity | undefined {
    return this.#attempt.identity;
  }

  get subject(): GuardedSubject {
    return this.#attempt.subject;
  }

  isActive(): boolean {
    if (!this.#returned) return true;
    for (const part of this.#parts ?? []) if (part.active) return true;
    return false;
  }

  stop(decision: Decision): Abort | null {
    const stoppedBy = freezeDecision(
      endedDecision(decision, this.#mayHaveWritten() ? 'stopped' : 'stopped without effect'),
    );
    const { is } = this.#attempt.stop(stoppedBy);
    // A landed attempt stays landed, but its result may be asked for steps again.
    const fire = is === 'stopping' || is === 'landed' ? this.work.stop(stoppedBy) : null;
    if (!fire) return null;
    const ends = this.#cut(this.#parts ?? [], stoppedBy);
    return () => {
      fire();
      ends();
    };
  }

  /**
   * `execute` has returned. Its result stays in flight while it can still act.
   * @throws ActionResultError for a result that could act where the switch cannot be checked
   */
  landed(given: Result): Outcome<Result> {
    let result: Result;
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is held stands for the result
      result = this.#hold(given) as Result;
    } catch (error) {
      return this.failed(error);
    }
    if (this.#attempt.reversal && this.#parts?.size) return this.#goesOnUndoing();
    this.#returned = true;
    const { stoppedBy } = this.work;
    if (!this.#parts || this.#parts.size === 0) {
      this.#land(result);
    } else {
      if (typeof result === 'object' && result !== null) this.#goesOn = new WeakRef(result);
      if (!stoppedBy) this.guard.inFlight.rest(this);
    }
    if (stoppedBy) return this.#aborted(stoppedBy);
    const { decision } = this;
    if (this.#parts) freezeDecision(decision); // the caller gets it, and the result is still watched by it
    return { status: decision.verdict === 'redirect' ? 'redirected' : 'executed', decision, result };
  }

  /**
   * What undoes something is over when `execute` returns: nobody would take the steps of what it returned. How much of
   * it was done before that, only a person can find out.
   */
  #goesOnUndoing(): Outcome<Result> {
    const why =
      'would go on after the call, and nobody goes on with what undoes something: use it to its end inside execute';
    const error = new ActionResultError(this.#attempt.action.name, why);
    this.stop(blocked(this.subject, faultCause('LANDED_UNKNOWN', error.message), this.decision))?.();
    return this.failed(error);
  }

  /** @throws what `execute` threw, unless it was stopped before */
  failed(error: unknown): Outcome<Result> {
    this.#returned = true;
    const ended = this.#attempt.fail(error);
    // parts that were opened beside a refused one are in flight until they have ended
    if (!this.#parts?.size) this.#over();
    if (ended.is === 'unknown') return this.#aborted(ended.stoppedBy);
    throw error;
  }

  /** @throws ActionResultError, after stopping everything that the attempt has begun */
  #hold(given: unknown): unknown {
    if (!mayGoOn(given)) return given;
    const opened: ResultPart[] = [];
    const open: OpenPart = (end) => {
      const part = this.#open(end);
      opened.push(part);
      return part;
    };
    try {
      return holdResult(given, {
        action: this.#attempt.action.name,
        open: Object.assign(open, { origin: this }),
        inner: (value) => this.#hold(value),
      });
    } catch (error) {
      const refused = blocked(this.subject, faultCause('UNSUPPORTED', String(error)), this.decision);
      if (error instanceof ActionResultError && this.#parts?.size)
        error.message += ' Everything else in it that goes on has been ended.';
      stopParts(this.#parts ?? [], refused)();
      throw error;
    } finally {
      // Stopped before it returned this: what it returned must stop too.
      const { stoppedBy } = this.work;
      if (stoppedBy) this.#cut(opened, stoppedBy)();
    }
  }

  #open(end: EndPart): ResultPart {
    const part = new ResultPart(this.guard, this, end);
    this.partGoesOn(part);
    return part;
  }

  partGoesOn(part: ResultPart): void {
    this.#parts ??= new Set();
    if (this.#returned && this.#parts.size === 0) {
      this.guard.inFlight.start(this);
      this.work.resume();
    }
    this.#parts.add(part);
  }

  partEnded(part: ResultPart): void {
    if (!this.#parts?.delete(part) || !this.#returned) return;
    if (this.#parts.size > 0) return this.guard.inFlight.rest(this); // perhaps none of the others is active
    const before = this.work.stoppedBy;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it has returned, while anybody has it
    this.#land(this.#goesOn?.deref() as Result);
    if (before) this.#recordAborted(before);
  }

  /** Ends parts because of a stop. */
  #cut(parts: Iterable<ResultPart>, stoppedBy: Decision): Abort {
    const open = [...parts];
    this.#isCut ||= open.length > 0;
    return stopParts(open, stoppedBy);
  }

  /** What was cut has not come to its end, so it is not known to have landed. */
  #land(result: Result): void {
    if (this.#isCut) this.#attempt.fail(this.work.stoppedBy);
    else this.#attempt.land(result);
    this.#over();
  }

  /** Stays in flight until its end is recorded: who waits for what is in flight reads the journal next. */
  #over(): void {
    const { recording } = this.#attempt;
    if (recording)
      void recording.then(() => this.#parts?.size || this.#leave()); // its result may go on again by then
    else this.#leave();
  }

  #leave(): void {
    this.guard.inFlight.end(this);
    this.work.release();
  }

  /**
   * An action that ends after it was stopped is reported as aborted, never as a success. Only where it cannot write is
   * it certain that nothing has landed.
   */
  #aborted(stoppedBy: Decision): Outcome<Result> {
    this.#recordAborted(stoppedBy);
    return {
      status: 'aborted',
      decision: stoppedBy,
      landed: this.#mayHaveWritten() ? 'unknown' : 'no',
    };
  }

  #mayHaveWritten(): boolean {
    return this.#attempt.action.effect === 'write';
  }

  #recordAborted(stoppedBy: Decision): void {
    if (this.#recorded) return;
    this.#recorded = true;
    const state = this.#attempt.hasLanded ? 'landed' : 'unknown';
    const { guard, subject, effective } = this.#attempt;
    guard.interventions.add(stoppedBy, subject, { input: effective.input, status: 'aborted', state });
  }
}

/** Ends all parts first; what it returns does the rest, after the signal has fired. */
function stopParts(parts: Iterable<ResultPart>, stoppedBy: Decision): Abort {
  const ends = [...parts].map((part) => part.stop(stoppedBy));
  return () => {
    for (const end of ends) end();
  };
}

import { type Decision, freezeDecision, type Reading } from '../flags/index.ts';
import type { CallOptions, NormalisedAction } from './action.ts';
import type { Attempt, AttemptEvent } from './attempt-state.ts';
import { blocked, type DecidedCall, faultCause } from './decide.ts';
import { StartedCall } from './execute-context.ts';
import { ActionResultError } from './errors.ts';
import type { Giver } from './giver.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import { mustStop, type Tell } from './in-flight.ts';
import { LookedAt } from './looked-at.ts';
import { holdResult, mayGoOn, type OpenPart, type Stop } from './ongoing/index.ts';
import type { Outcome } from './outcome.ts';
import { ResultPart, type WholeResult } from './result-part.ts';

/** A call that was let through, and all that was found out about it. */
export interface LetThrough<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  /** As whom it runs. */
  readonly identity: Identity | undefined;
  readonly call: DecidedCall;
  /** The last look, in this very turn. */
  readonly decision: Decision;
  readonly evaluated: Reading;
  /** When that was asked for, by the monotonic clock. */
  readonly asked: number;
  /** What `redirect` made of the input; else the input itself. */
  readonly effective: Input;
  readonly options: CallOptions;
  /** Keeps the record that was made of a redirect. */
  readonly keepRecord: (() => void) | undefined;
  readonly step: (event: AttemptEvent) => Attempt;
}

/** An action under way, until its result can act no more: watched by the decision that let it through. */
export class RunningCall<Input, Result> extends LookedAt implements WholeResult, Giver {
  readonly decision: Decision;
  readonly context: StartedCall;
  readonly #call: LetThrough<Input, Result>;
  /** What its result can still do, once `execute` has returned; made only where it can do anything. */
  #parts: Set<ResultPart> | undefined;
  #returned = false;
  #recorded = false;

  constructor(call: LetThrough<Input, Result>) {
    super(call.guard, call.call, call.evaluated, call.asked);
    this.#call = call;
    this.decision = call.decision;
    // Called with the signal of a call that is stopped: then what this one gave ends first, too.
    this.context = new StartedCall(call.options, () => {
      const now = this.look();
      if (mustStop(this.decision, now)) this.stop(freezeDecision(now))?.();
    });
  }

  get guard(): Guard {
    return this.#call.guard;
  }

  get identity(): Identity | undefined {
    return this.#call.identity;
  }

  get decided(): DecidedCall {
    return this.#call.call;
  }

  isActive(): boolean {
    if (!this.#returned) return true;
    for (const part of this.#parts ?? []) if (part.active) return true;
    return false;
  }

  stop(stoppedBy: Decision): Tell | null {
    const { is } = this.#call.step({ type: 'stop', decision: stoppedBy });
    // What has landed stays landed, and yet its result may have been begun again.
    const fire = is === 'stopping' || is === 'landed' ? this.context.stop(stoppedBy) : null;
    if (!fire) return null;
    const ends = stopParts(this.#parts ?? [], stoppedBy);
    return () => {
      fire();
      ends();
    };
  }

  /** `execute` has ended. What it gave stays in flight while it can still act. @throws ActionResultError for what could act unseen */
  landed(given: Result): Outcome<Result> {
    let result: Result;
    try {
      result = this.#hold(given) as Result;
    } catch (error) {
      return this.failed(error);
    }
    this.#returned = true;
    const { stoppedBy } = this.context;
    if (!this.#parts || this.#parts.size === 0) {
      this.#land();
    } else if (!stoppedBy) {
      this.#call.guard.inFlight.rest(this);
    }
    if (stoppedBy) return this.#aborted(stoppedBy, 'landed');
    const { decision } = this;
    if (this.#parts) freezeDecision(decision); // the caller has it from now on, and what goes on is watched by it
    return { status: decision.verdict === 'redirect' ? 'redirected' : 'executed', decision, result };
  }

  /** @throws what `execute` threw, unless it had been told to stop */
  failed(error: unknown): Outcome<Result> {
    this.#returned = true;
    const ended = this.#call.step({ type: 'fail', error });
    if (!this.#parts?.size) this.#leave(); // what was begun beside something that is refused is in flight until it is over
    if (ended.is === 'unknown') return this.#aborted(ended.stoppedBy, 'unknown');
    throw error;
  }

  /** @throws ActionResultError; then all that the call began must end */
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
        action: this.#call.action.name,
        open: Object.assign(open, { giver: this }),
        inner: (value) => this.#hold(value),
      });
    } catch (error) {
      const refused = blocked(this.#call.call, faultCause('UNSUPPORTED', String(error)), this.decision);
      if (error instanceof ActionResultError && this.#parts?.size)
        error.message += ' What else it holds that goes on has been ended.';
      stopParts(this.#parts ?? [], refused)();
      throw error;
    } finally {
      // Told to stop before this came of it: so must this.
      const { stoppedBy } = this.context;
      if (stoppedBy) stopParts(opened, stoppedBy)();
    }
  }

  #open(end: Stop): ResultPart {
    const part = new ResultPart(this.#call.guard, this, end);
    this.partGoesOn(part);
    return part;
  }

  partGoesOn(part: ResultPart): void {
    this.#parts ??= new Set();
    if (this.#returned && this.#parts.size === 0) {
      this.#call.guard.inFlight.start(this);
      this.context.resume();
    }
    this.#parts.add(part);
  }

  partEnded(part: ResultPart): void {
    if (!this.#parts?.delete(part) || !this.#returned) return;
    if (this.#parts.size > 0) return this.#call.guard.inFlight.rest(this); // the others may all rest
    const before = this.context.stoppedBy;
    this.#land();
    if (before) this.#recordAborted(before, 'landed');
  }

  #land(): void {
    this.#leave();
    this.#call.step({ type: 'land' });
  }

  #leave(): void {
    this.#call.guard.inFlight.end(this);
    this.context.release();
  }

  /** What ended after it was told to stop is never a success that nobody saw; only what cannot change anything is known not to have landed. */
  #aborted(stoppedBy: Decision, state: 'landed' | 'unknown'): Outcome<Result> {
    this.#recordAborted(stoppedBy, state);
    return { status: 'aborted', decision: stoppedBy, landed: this.#call.action.effect === 'write' ? 'unknown' : 'no' };
  }

  #recordAborted(stoppedBy: Decision, state: 'landed' | 'unknown'): void {
    if (this.#recorded) return;
    this.#recorded = true;
    const { guard, call, effective } = this.#call;
    guard.interventions.add(stoppedBy, call, { input: effective, status: 'aborted', state });
  }
}

/** Ends all of them before any is told more. */
function stopParts(parts: Iterable<ResultPart>, stoppedBy: Decision): Tell {
  const ends = [...parts].map((part) => part.stop(stoppedBy));
  return () => {
    for (const end of ends) end();
  };
}

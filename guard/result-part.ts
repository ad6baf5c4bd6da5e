import { type Decision, endedDecision, freezeDecision, makeDecision, SAFE_MODE } from '../flags/index.ts';
import type { Within } from './acting-as.ts';
import { untilChange } from './changes.ts';
import { faultCause } from './decide.ts';
import { ActionStoppedError } from './errors.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import { isDraining, mustStop, type Running, type Abort } from './in-flight.ts';
import type { EndPart, Part, Wait } from './ongoing/index.ts';
import { POLL_MS } from './wait.ts';

/** The running action whose result has parts. */
export interface WholeResult extends Running {
  /** The identity that it runs as. */
  readonly identity: Identity | undefined;
  partEnded(part: ResultPart): void;
  /** A part that had ended is asked for a step again. */
  partGoesOn(part: ResultPart): void;
  /** The age of the last evaluation, in milliseconds. */
  ageMs(): number;
}

/** The members of the guard that a part uses. */
type PartGuard = Pick<Guard, 'changes' | 'identity' | 'inFlight' | 'replica' | 'turns' | 'leaseMs' | 'within'>;

/** One part of a result that can still act after the call. */
export class ResultPart implements Part {
  readonly #guard: PartGuard;
  readonly #whole: WholeResult;
  readonly #end: EndPart;
  #stopped: ActionStoppedError | null = null;
  #asking = false;
  /** How many of its steps are under way. */
  #steps = 0;
  #ended = false;

  /** @param end ends the part as far as that is possible */
  constructor(guard: PartGuard, whole: WholeResult, end: EndPart) {
    this.#guard = guard;
    this.#whole = whole;
    this.#end = end;
  }

  get active(): boolean {
    return this.#steps > 0;
  }

  pass(isFresh = false): Wait | null {
    const { changes, replica } = this.#guard;
    const turn = this.#guard.turns.beforeCall(); // a loop of steps can keep the event loop busy, as a loop of calls can
    if (turn) return { until: turn, isFresh };
    // Without a local copy the mode is asked for again before each step.
    if (!replica && !isFresh) return { until: this.#whole.refresh(), isFresh: true };
    if (this.#mayStep()) return null;
    return { until: untilChange(changes, replica ? Number.POSITIVE_INFINITY : POLL_MS, undefined), isFresh: false };
  }

  passNow(): void {
    if (!this.#mayStep()) throw new ActionStoppedError('paused', this.#whole.look());
    // A synchronous step cannot ask again: it trusts the last evaluation for as long as a local copy's lease.
    const { replica, leaseMs } = this.#guard;
    if (replica || this.#whole.ageMs() < leaseMs) return;
    if (!this.#asking) {
      this.#asking = true;
      void this.#whole.refresh().finally(() => {
        this.#asking = false;
      });
    }
    const cause = faultCause('STALE', `the mode was last asked for more than ${leaseMs} ms ago`);
    const decision = this.#whole.look();
    const { epoch } = decision;
    throw new ActionStoppedError('paused', makeDecision(decision, { verdict: 'block', mode: SAFE_MODE, epoch, cause }));
  }

  look(): void {
    this.#mayStep();
  }

  /** False while it is paused. @throws ActionStoppedError when it must stop */
  #mayStep(): boolean {
    if (this.#stopped) throw this.#stopped;
    if (this.#ended) {
      this.#ended = false;
      this.#whole.partGoesOn(this);
    }
    const now = this.#whole.look();
    if (mustStop(this.#whole.decision, now)) {
      this.#whole.stop(freezeDecision(now))?.();
      throw this.#stopped ?? new ActionStoppedError('aborted', endedDecision(now, 'stopped'));
    }
    return !isDraining(this.#whole.decision, now);
  }

  within<Result>(step: () => Result): Result {
    return this.#guard.within(this.#whole.identity, step);
  }

  asker(): Within {
    const { within } = this.#guard;
    const asker = this.#guard.identity();
    return (work) => within(asker, work);
  }

  isOrigins(): boolean {
    return this.#guard.identity() === this.#whole.identity;
  }

  isHeld(): boolean {
    return this.#stopped !== null || isDraining(this.#whole.decision, this.#whole.look());
  }

  begin(): void {
    this.#steps += 1;
  }

  rest(): void {
    if (this.#steps > 0) this.#steps -= 1;
    if (this.active) return;
    if (this.#ended) this.#whole.partEnded(this);
    else this.#guard.inFlight.rest(this.#whole);
  }

  isOver(): boolean {
    return this.#ended && !this.active;
  }

  /** It stays in flight while a step still acts, so that operators do not read `stopped` too early. */
  end(): void {
    this.#ended = true;
    if (!this.active) this.#whole.partEnded(this);
  }

  drop(): void {
    this.#steps = 0;
    this.end();
  }

  /** Call what it returns after the signal has fired. */
  stop(decision: Decision): Abort {
    if (this.#stopped) return () => {};
    const reason = new ActionStoppedError('aborted', decision);
    this.#stopped = reason;
    const then = tried(() => this.#end(reason));
    return () => void tried(() => then?.());
  }
}

/** A part that cannot be ended stays in flight, and operators see it there. */
function tried<T>(end: () => T): T | undefined {
  try {
    return end();
  } catch {
    return undefined;
  }
}

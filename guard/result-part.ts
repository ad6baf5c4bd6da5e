import { type Decision, freezeDecision, makeDecision, SAFE_MODE } from '../flags/index.ts';
import type { Within } from './acting-as.ts';
import { nextChange } from './changes.ts';
import { faultCause } from './decide.ts';
import { ActionStoppedError } from './errors.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import { isDraining, mustStop, type Running, type Abort } from './in-flight.ts';
import type { Part, Stop, Wait } from './ongoing/index.ts';
import { POLL_MS } from './wait.ts';

/** The action whose result has parts. */
export interface WholeResult extends Running {
  /** As whom it runs. */
  readonly identity: Identity | undefined;
  partEnded(part: ResultPart): void;
  /** One that had ended is asked for a step all the same. */
  partGoesOn(part: ResultPart): void;
  /** How old is what was evaluated last, in milliseconds. */
  ageMs(): number;
}

/** What of the guard a part needs. */
type PartGuard = Pick<Guard, 'changes' | 'identity' | 'inFlight' | 'replica' | 'turns' | 'leaseMs' | 'within'>;

/** A part of a result that goes on, as the guard sees it. */
export class ResultPart implements Part {
  readonly #guard: PartGuard;
  readonly #whole: WholeResult;
  readonly #end: Stop;
  #stopped: ActionStoppedError | null = null;
  #asking = false;
  /** How many of its steps are under way. */
  #steps = 0;
  #ended = false;

  /** @param end ends it as well as it can be ended */
  constructor(guard: PartGuard, whole: WholeResult, end: Stop) {
    this.#guard = guard;
    this.#whole = whole;
    this.#end = end;
  }

  get active(): boolean {
    return this.#steps > 0;
  }

  pass(isFresh = false): Wait | null {
    const { changes, replica } = this.#guard;
    const turn = this.#guard.turns.beforeCall(); // a loop of steps keeps the event loop busy as one of calls does
    if (turn) return { until: turn, isFresh };
    // Where the mode comes from elsewhere than the local copy, it is asked for anew before each step.
    if (!replica && !isFresh) return { until: this.#whole.refresh(), isFresh: true };
    if (this.#mayStep()) return null;
    return { until: nextChange(changes, replica ? Number.POSITIVE_INFINITY : POLL_MS, undefined), isFresh: false };
  }

  passNow(): void {
    if (!this.#mayStep()) throw new ActionStoppedError('paused', this.#whole.look());
    // It cannot ask anew: it goes by what was read last, as long as a local copy would.
    const { replica, leaseMs } = this.#guard;
    if (replica || this.#whole.ageMs() < leaseMs) return;
    if (!this.#asking) {
      this.#asking = true;
      void this.#whole.refresh().finally(() => {
        this.#asking = false;
      });
    }
    const cause = faultCause('STALE', `the switch was asked last more than ${leaseMs} ms ago`);
    const decision = this.#whole.look();
    const { epoch } = decision;
    throw new ActionStoppedError('paused', makeDecision(decision, { verdict: 'block', mode: SAFE_MODE, epoch, cause }));
  }

  look(): void {
    this.#mayStep();
  }

  /** False while it is paused. @throws ActionStoppedError */
  #mayStep(): boolean {
    if (this.#stopped) throw this.#stopped;
    if (this.#ended) {
      this.#ended = false;
      this.#whole.partGoesOn(this);
    }
    const now = this.#whole.look();
    if (mustStop(this.#whole.decision, now)) {
      this.#whole.stop(freezeDecision(now))?.();
      throw this.#stopped ?? new ActionStoppedError('aborted', now);
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

  isGivers(): boolean {
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

  /** An operator is not told `stopped` while a step still acts. */
  end(): void {
    this.#ended = true;
    if (!this.active) this.#whole.partEnded(this);
  }

  drop(): void {
    this.#steps = 0;
    this.end();
  }

  /** What it gives is to be called when the signal has fired. */
  stop(decision: Decision): Abort {
    if (this.#stopped) return () => {};
    const reason = new ActionStoppedError('aborted', decision);
    this.#stopped = reason;
    const then = tried(() => this.#end(reason));
    return () => void tried(() => then?.());
  }
}

/** What cannot be ended stays in flight, and is shown as such. */
function tried<T>(end: () => T): T | undefined {
  try {
    return end();
  } catch {
    return undefined;
  }
}

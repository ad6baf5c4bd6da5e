import { deepFreeze, type Decision, endedDecision, faultReading, messageOf, type Reading } from '../flags/index.ts';
import type { CallOptions, NormalisedAction } from './action.ts';
import { type AttemptState, hasStarted, transition } from './attempt-state.ts';
import type { Permit } from './confirm.ts';
import { blocked, faultCause } from './decide.ts';
import type { Guard } from './guard.ts';
import type { Identity } from './identity.ts';
import type { LimitFlags } from './limit-flags.ts';
import type { Proposal, RecordedStatus } from './interventions.ts';
import { look } from './look.ts';
import type { Outcome } from './outcome.ts';
import type { GuardedSubject } from './subject.ts';

/**
 * How often one attempt is decided again because the switch changed, or its permit ran out, between deciding and
 * starting; then it is blocked. Permits run out where many confirmed attempts keep the event loop busy one after the
 * other: each round lets some of them start.
 */
const MAX_ROUNDS = 100;

/** The reading that a round begins with: a step that decides before the mode was asked for gets a block. */
const NOT_EVALUATED = deepFreeze(faultReading('INTERNAL', 'nothing has been asked of the switch in this round'));

const NO_FLAGS: LimitFlags = new Map();

/** The input that is given to `execute`. */
export interface Effective<Input> {
  readonly input: Input;
  /** Queues the record of a redirect, which was made earlier because making it takes time. */
  readonly keepRecord?: () => void;
}

/** Who asks for what, and how. */
export interface AttemptParts<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly identity: Identity | undefined;
  readonly subject: GuardedSubject;
  /** As the action's schema returned it. */
  readonly input: Input;
  readonly options: CallOptions & { readonly waitMs: number };
}

/**
 * One attempt at an action, up to its end. The steps (`guard/steps/`) move it on. They end it by `refuse`, `abandon`,
 * `draft` or `propose` or, once it has started, by `land` or `fail`. Each goes through `transition`, so that every
 * attempt has exactly one end.
 */
export class Attempt<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly identity: Identity | undefined;
  readonly subject: GuardedSubject;
  readonly input: Input;
  readonly options: CallOptions;
  /** When the wait for a pause is over, by the monotonic clock. */
  readonly until: number;
  /** What `redirect` made of the input; made once, since it does not depend on the round. */
  redirected: Effective<Input> | undefined;
  /** When this round asked for the mode, by the monotonic clock. */
  askedAt: number;
  evaluated: Reading = NOT_EVALUATED;
  /** The store's answer in this round, for an irreversible action. */
  permit: Permit | null = null;
  /** What the client has said of its limits in this round. */
  limitFlags: LimitFlags = NO_FLAGS;
  /** For an action with limits: what it executes, once that has been found to keep them in this turn. */
  checked: { readonly input: Input } | null = null;
  #state: AttemptState = { is: 'deciding' };
  #decision: Decision | undefined;
  /** How long after `askedAt` that was, in milliseconds. */
  #decidedMs: number | undefined;
  #rounds = 0;

  constructor({ guard, action, identity, subject, input, options }: AttemptParts<Input, Result>) {
    this.guard = guard;
    this.action = action;
    this.identity = identity;
    this.subject = subject;
    this.input = input;
    this.options = options;
    this.askedAt = performance.now();
    this.until = this.askedAt + options.waitMs;
  }

  /** The caller's own signal. */
  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  /** The decision of this round. */
  get decision(): Decision {
    return this.#decision ?? this.look();
  }

  /** The input that this round would execute: the redirected one where this round has decided to redirect. */
  get effective(): Effective<Input> {
    return this.decision.verdict === 'redirect' && this.redirected ? this.redirected : this;
  }

  /** The decision as it would be in this turn of the event loop. */
  look(): Decision {
    return look(this.guard, this.subject, this.evaluated);
  }

  /** Decides this round. */
  decide(): Decision {
    this.#decision = this.look();
    this.#decidedMs = performance.now() - this.askedAt;
    return this.#decision;
  }

  /**
   * Counts the decision that this attempt has come to or waits by, not each round. The app's meter runs here: so for an
   * attempt that starts it is called after `execute`, never between the last look and that.
   */
  count(decision: Decision): void {
    this.guard.metrics.decided(decision, this.#decidedMs ?? performance.now() - this.askedAt);
  }

  /** Begins a round; forgets all that the round before has read. */
  again(): void {
    this.askedAt = performance.now();
    this.evaluated = NOT_EVALUATED;
    this.permit = null;
    this.limitFlags = NO_FLAGS;
    this.checked = null;
    this.#decision = undefined;
    this.#decidedMs = undefined;
  }

  /** Waits for another decision than this one. Recorded and counted once. */
  wait(decision: Decision): void {
    const before = this.#state.is;
    this.#state = transition(this.#state, { type: 'wait', decision });
    if (before === 'waiting') return;
    this.#record(decision, 'paused');
    this.count(decision);
  }

  intend(): void {
    this.#state = transition(this.#state, { type: 'intend', decision: this.decision });
  }

  confirm(): void {
    this.#state = transition(this.#state, { type: 'confirm' });
  }

  start(): void {
    this.#state = transition(this.#state, { type: 'start' });
  }

  /** The switch has changed since the decision: decides again from the start, at most `MAX_ROUNDS` times. */
  reconsider(): 'again' | Outcome<Result> {
    this.#rounds += 1;
    if (this.#rounds >= MAX_ROUNDS) {
      const message = `this call was decided ${MAX_ROUNDS} times, and each time the switch had changed or its permit had run out before it could start`;
      return this.refuse(blocked(this.subject, faultCause('STALE', message)));
    }
    this.#state = transition(this.#state, { type: 'reconsider' });
    return 'again';
  }

  refuse(decision: Decision): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'refuse', decision });
    this.#record(decision, 'blocked');
    this.count(decision);
    return { status: 'blocked', decision };
  }

  /**
   * The caller waits no longer. Nothing is recorded: the pause has its record and is counted, and the caller's own
   * signal is no decision of the switch.
   */
  abandon(status: 'paused' | 'aborted', decision: Decision): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'abandon', decision });
    if (status === 'paused') return { status, decision };
    this.count(decision);
    return { status, decision: endedDecision(decision, 'given up'), landed: 'no' };
  }

  /** The action's handler has made a draft. */
  draft(decision: Decision, draft: unknown): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'draft', decision });
    this.#record(decision, 'drafted');
    this.count(decision);
    return { status: 'drafted', decision, draft };
  }

  /** A proposal was made; it is its own record. */
  propose(decision: Decision, draft: Proposal): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'draft', decision });
    this.count(decision);
    return { status: 'drafted', decision, draft };
  }

  /** Marks a started attempt as stopping. */
  stop(decision: Decision): AttemptState {
    this.#state = transition(this.#state, { type: 'stop', decision });
    return this.#state;
  }

  land(): void {
    this.#state = transition(this.#state, { type: 'land' });
  }

  fail(error: unknown): AttemptState {
    this.#state = transition(this.#state, { type: 'fail', error });
    return this.#state;
  }

  /**
   * A step has thrown. After `execute` was called the error is the application's; before, it is a fault of ours and
   * blocks.
   * @throws the error, once it has started
   */
  broken(error: unknown): Outcome<Result> {
    if (hasStarted(this.#state)) throw error;
    return this.refuse(blocked(this.subject, faultCause('INTERNAL', messageOf(error))));
  }

  #record(decision: Decision, status: RecordedStatus): void {
    this.guard.interventions.add(decision, this.subject, { input: this.input, status, state: this.#state.is });
  }
}

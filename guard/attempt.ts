import { randomUUID } from 'node:crypto';
import { deepFreeze, type Decision, endedDecision, faultReading, messageOf, type Reading } from '../flags/index.ts';
import type { CallOptions, NormalisedAction } from './action.ts';
import { type AttemptState, hasStarted, transition } from './attempt-state.ts';
import type { Permit } from './confirm.ts';
import { blocked, faultCause } from './decide.ts';
import type { Effective } from './effective.ts';
import type { AttemptEnd, Ending } from './ending.ts';
import { ActionInputError, IdempotencyKeyError } from './errors.ts';
import type { Guard } from './guard.ts';
import type { Holding } from './holding.ts';
import type { Identity } from './identity.ts';
import type { LimitFlags } from './limit-flags.ts';
import type { ReversalTerms } from './reversal-terms.ts';
import type { Proposal, RecordedStatus } from './interventions.ts';
import { look } from './look.ts';
import type { Marks, Outcome } from './outcome.ts';
import { inputOf, type PlainInput, readPlain } from './plain-data.ts';
import type { Reservation } from './spending.ts';
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

/** What most attempts have: it is never changed. */
const NO_ENDINGS: never[] = [];

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the input itself, as it was read
const readAs = <Input>(plain: PlainInput): Input => inputOf(plain) as Input;

/** Who asks for what, and how. */
export interface AttemptParts<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly identity: Identity | undefined;
  readonly subject: GuardedSubject;
  /** As the action's schema returned it. */
  readonly input: Input;
  /** The same as the text that was hashed; undefined where nothing hashes it. */
  readonly plain?: PlainInput | undefined;
  readonly options: CallOptions & { readonly waitMs: number };
  /** Present where it undoes something. */
  readonly reversal?: ReversalTerms | undefined;
  /** The handler that has called it, where it would write; default: none. */
  readonly handler?: string | null;
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
  readonly options: CallOptions;
  /** Present where it undoes something. */
  readonly reversal: ReversalTerms | undefined;
  /** The handler that has called it, where it would write; null: none. */
  readonly handler: string | null;
  /** When the wait for a pause is over, by the monotonic clock. */
  readonly until: number;
  /** What `redirect` made of the input; made once, since it does not depend on the round. */
  redirected: Effective<Input> | undefined;
  /** When this round asked for the mode, by the monotonic clock. */
  askedAt: number;
  evaluated: Reading = NOT_EVALUATED;
  /** What people are asked about it, once they are. */
  holding: Holding<Input> | undefined;
  /** The store's answer in this round, for an irreversible action and for one that was approved. */
  permit: Permit | null = null;
  /** What the client has said of its limits in this round. */
  limitFlags: LimitFlags = NO_FLAGS;
  /** For an action with limits or spending: what it executes, once that has been checked in this turn. */
  checked: { readonly input: Input } | null = null;
  /** True once the journal has its intent; stays true in the rounds that follow, until the intent is given back. */
  isRecorded = false;
  /** True once the tripwires have counted it. */
  isCounted = false;
  /** What is set aside for it in budgets; stays in the rounds that follow, until it is given back. */
  reservation: Reservation | null = null;
  #input: Input;
  #plain: PlainInput | undefined;
  #seenChanges: number;
  #idempotencyKey: string | undefined;
  #endings: Ending<Result>[] = NO_ENDINGS;
  #lastEndings: Ending<Result>[] = NO_ENDINGS;
  #recording: Promise<unknown> | undefined;
  #marks: Marks | undefined;
  #state: AttemptState = { is: 'deciding' };
  #decision: Decision | undefined;
  /** How long after `askedAt` that was, in milliseconds. */
  #decidedMs: number | undefined;
  #rounds = 0;

  constructor({ guard, action, identity, subject, input, plain, options, ...more }: AttemptParts<Input, Result>) {
    this.guard = guard;
    this.action = action;
    this.identity = identity;
    this.subject = subject;
    this.#input = input;
    this.#plain = plain;
    this.#seenChanges = guard.changes.count;
    this.options = options;
    this.reversal = more.reversal;
    this.handler = more.handler ?? null;
    this.#idempotencyKey = options.idempotencyKey;
    this.askedAt = performance.now();
    this.until = this.askedAt + options.waitMs;
  }

  /** The caller's own signal. */
  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get input(): Input {
    return this.#input;
  }

  /** The same as the text that was hashed; undefined where nothing has hashed it. */
  get plain(): PlainInput | undefined {
    return this.#plain;
  }

  /**
   * Hashes the input, once. From then on it is what was hashed, whatever its caller does to the object that was given.
   * @throws ActionInputError NOT_PLAIN_DATA
   */
  hash(): PlainInput {
    if (this.#plain) return this.#plain;
    this.#plain = readPlain(this.action.name, this.#input);
    this.renewInput();
    return this.#plain;
  }

  /** Whether anything has changed since this round began. */
  get hasMissedChange(): boolean {
    return this.guard.changes.count !== this.#seenChanges;
  }

  /** The caller's own key; else undefined, until something asks `keyOf` for one. */
  get idempotencyKey(): string | undefined {
    return this.#idempotencyKey;
  }

  /** The caller's own key, else one that is made for this attempt. */
  keyOf(): string {
    this.#idempotencyKey ??= randomUUID();
    return this.#idempotencyKey;
  }

  get hasLanded(): boolean {
    return this.#state.is === 'landed';
  }

  /** The decision of this round. */
  get decision(): Decision {
    return this.#decision ?? this.look();
  }

  /**
   * The input that this round would execute: the redirected one where this round has decided to redirect, and what was
   * approved where it is held. What was used of an approval stays approved so, also where nobody has to approve it now.
   */
  get effective(): Effective<Input> {
    const { verdict } = this.decision;
    if (verdict === 'redirect' && this.redirected) return this.redirected;
    const { holding } = this;
    return (verdict === 'hold' || (holding?.claimed && verdict === 'allow') ? holding?.input : undefined) ?? this;
  }

  /** Makes the input that is executed anew of the text that was hashed: handlers have had it since. */
  renewInput(): void {
    if (this.plain) this.#input = readAs<Input>(this.plain);
    const { redirected } = this;
    if (redirected?.plain) this.redirected = { ...redirected, input: readAs<Input>(redirected.plain) };
    const approved = this.holding?.input;
    if (this.holding && approved?.plain) this.holding.input = { ...approved, input: readAs<Input>(approved.plain) };
  }

  /**
   * Has `ending` called when this attempt ends. Each step that takes something for an attempt names here what settles
   * it.
   */
  atEnd(ending: Ending<Result>): void {
    this.#endings = [...this.#endings, ending];
  }

  /** As `atEnd`, for what the attempt keeps while it waits. */
  atLast(ending: Ending<Result>): void {
    this.#lastEndings = [...this.#lastEndings, ending];
  }

  /**
   * Gives back what was taken for this attempt, because it is to wait: it is taken anew in a later round. Null: nothing
   * was.
   */
  withdraw(): Promise<unknown> | null {
    if (this.#endings.length === 0) return null;
    this.#begin(this.#endings, { is: 'not_started' });
    this.#endings = NO_ENDINGS;
    this.isRecorded = false;
    this.reservation = null;
    return this.#recording ?? null;
  }

  /** Resolves when all endings that have begun are done; undefined where there is none. Never rejects. */
  get recording(): Promise<unknown> | undefined {
    return this.#recording;
  }

  /** The outcome, when all that is recorded of the attempt's end is recorded. */
  async recorded(outcome: Outcome<Result>): Promise<Outcome<Result>> {
    await this.#recording;
    if (outcome.status !== 'executed' && outcome.status !== 'redirected') return outcome;
    const marks = this.#marks;
    // That an approver has changed the arguments is more to tell.
    const isUnrecorded = marks?.recorded === false && !marks.edited && outcome.status === 'executed';
    const decision = isUnrecorded ? endedDecision(outcome.decision, 'unrecorded') : outcome.decision;
    return { ...outcome, decision, ...marks };
  }

  /** Says more of an outcome that has a result. */
  mark(marks: Marks): void {
    this.#marks = { ...this.#marks, ...marks };
  }

  /** Whom the request names whose approval it uses, which restrictions may meet as well. */
  get asked(): GuardedSubject | null {
    return this.holding?.asked ?? null;
  }

  /** The decision as it would be in this turn of the event loop. */
  look(): Decision {
    return look(this.guard, this.subject, this.evaluated, this.asked);
  }

  /** Decides this round. */
  decide(): Decision {
    this.#decision = this.look();
    this.#decidedMs = performance.now() - this.askedAt;
    return this.#decision;
  }

  /**
   * Counts the decision that this attempt has come to or waits by, not each round, and notes who has asked. The app's
   * meter runs here: so for an attempt that starts it is called after `execute`, never between the last look and that.
   */
  count(decision: Decision): void {
    if (!hasStarted(this.#state)) this.guard.inFlight.met(this.subject);
    this.guard.metrics.decided(decision, this.#decidedMs ?? performance.now() - this.askedAt);
  }

  /** Begins a round; forgets all that the round before has read. */
  again(): void {
    this.askedAt = performance.now();
    this.#seenChanges = this.guard.changes.count;
    this.evaluated = NOT_EVALUATED;
    this.permit = null;
    this.limitFlags = NO_FLAGS;
    this.checked = null;
    this.#decision = undefined;
    this.#decidedMs = undefined;
  }

  /** Waits for another decision than this one. Recorded and counted once for each verdict that it waits by. */
  wait(decision: Decision): void {
    const before = this.#state;
    this.#state = transition(before, { type: 'wait', decision });
    if (before.is === 'waiting' && before.decision.verdict === decision.verdict) return;
    this.#record(decision, decision.verdict === 'hold' ? 'held' : 'paused');
    this.count(decision);
  }

  intend(): void {
    this.#state = transition(this.#state, { type: 'intend', decision: this.decision });
  }

  confirm(): void {
    this.#state = transition(this.#state, { type: 'confirm' });
  }

  start(): void {
    this.reservation?.begun();
    this.#state = transition(this.#state, { type: 'start' });
  }

  /**
   * What was decided does not hold any more: decides again from the start, at most so many times in all.
   * @param because what had changed each time, as the end of a sentence
   */
  reconsider(
    because = 'the switch had changed or its permit had run out before it could start',
    most = MAX_ROUNDS,
  ): 'again' | Outcome<Result> {
    this.#rounds += 1;
    if (this.#rounds >= most) {
      const message = `this call was decided ${this.#rounds} times, and each time ${because}`;
      return this.refuse(blocked(this.subject, faultCause('STALE', message)));
    }
    this.#state = transition(this.#state, { type: 'reconsider' });
    return 'again';
  }

  refuse(decision: Decision): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'refuse', decision });
    this.#end({ is: 'not_started' });
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
    this.#end({ is: 'not_started' });
    if (status === 'paused') return { status, decision };
    this.count(decision);
    return { status, decision: endedDecision(decision, 'given up'), landed: 'no' };
  }

  /** The caller waits no longer for people, and may come again with the id. The wait has its record and is counted. */
  hold(decision: Decision, { id, expiresAt }: { readonly id: string; readonly expiresAt: string }): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'abandon', decision });
    this.#end({ is: 'not_started' });
    return { status: 'held', decision, approvalId: id, expiresAt };
  }

  /** The action's handler has made a draft. */
  draft(decision: Decision, draft: unknown): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'draft', decision });
    this.#end({ is: 'not_started' });
    this.#record(decision, 'drafted');
    this.count(decision);
    return { status: 'drafted', decision, draft };
  }

  /** A proposal was made; it is its own record. */
  propose(decision: Decision, draft: Proposal): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'draft', decision });
    this.#end({ is: 'not_started' });
    this.count(decision);
    return { status: 'drafted', decision, draft };
  }

  /** The journal knows of an earlier call with this key: this is what it has recorded. */
  repeat(status: 'executed' | 'redirected', decision: Decision, result: Result): Outcome<Result> {
    this.#state = transition(this.#state, { type: 'answer', decision });
    this.#end({ is: 'not_started' });
    this.count(decision);
    // One that was redirected says so by its verdict.
    const said = status === 'executed' ? endedDecision(decision, 'repeated') : decision;
    return { status, decision: said, result, repeated: true };
  }

  /** The journal knows of an earlier call with this key, and not whether that has landed. */
  doubt(before: Decision): Outcome<Result> {
    const decision = endedDecision(before, 'in doubt');
    this.#state = transition(this.#state, { type: 'answer', decision });
    this.#end({ is: 'not_started' });
    this.#record(decision, 'aborted');
    this.count(decision);
    return { status: 'aborted', decision, landed: 'unknown' };
  }

  /** Marks a started attempt as stopping. */
  stop(decision: Decision): AttemptState {
    this.#state = transition(this.#state, { type: 'stop', decision });
    return this.#state;
  }

  land(result: Result): void {
    const before = this.#state;
    this.#state = transition(before, { type: 'land' });
    if (this.#state !== before) this.#end({ is: 'landed', result });
  }

  fail(error: unknown): AttemptState {
    const before = this.#state;
    this.#state = transition(before, { type: 'fail', error });
    const { is } = this.#state;
    if (this.#state !== before && (is === 'failed' || is === 'unknown')) this.#end({ is, error });
    if (this.#state !== before && is === 'failed' && !this.reversal) this.guard.tripwires?.failed(this.subject);
    return this.#state;
  }

  #end(end: AttemptEnd<Result>): void {
    this.#begin(this.#endings, end);
    this.#begin(this.#lastEndings, end);
  }

  #begin(endings: readonly Ending<Result>[], end: AttemptEnd<Result>): void {
    if (endings.length === 0) return;
    const done = Promise.allSettled(endings.map(async (ending) => ending(end)));
    this.#recording = Promise.all([this.#recording, done]);
  }

  /**
   * A step has thrown. After `execute` was called the error is the application's; before, it is a fault of ours and
   * blocks; but a key that is used for two things, and an input that cannot be hashed, are the caller's mistake.
   * @throws the error, once it has started; IdempotencyKeyError; ActionInputError
   */
  broken(error: unknown): Outcome<Result> {
    if (hasStarted(this.#state)) throw error;
    if (error instanceof IdempotencyKeyError || error instanceof ActionInputError) {
      this.abandon('aborted', this.decision);
      throw error;
    }
    return this.refuse(blocked(this.subject, faultCause('INTERNAL', messageOf(error))));
  }

  #record(decision: Decision, status: RecordedStatus): void {
    this.guard.interventions.add(decision, this.subject, { input: this.input, status, state: this.#state.is });
  }
}

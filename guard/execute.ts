import { randomUUID } from 'node:crypto';
import type { Decision, Reading } from '../flags/index.ts';
import type { CallOptions, ExecuteContext, NormalisedAction } from './action.ts';
import type { Attempt, AttemptEvent } from './attempt-state.ts';
import type { DecidedCall } from './decide.ts';
import { evaluateMode } from './evaluate.ts';
import { type Guard, look } from './guard.ts';
import type { Watched } from './in-flight.ts';
import type { Outcome } from './outcome.ts';

/** A call that was let through, and all that was found out about it. */
export interface LetThrough<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly call: DecidedCall;
  /** The last look, in this very turn. */
  readonly decision: Decision;
  readonly evaluated: Reading;
  /** What `redirect` made of the input; else the input itself. */
  readonly effective: Input;
  readonly options: CallOptions;
  /** Keeps the record that was made of a redirect. */
  readonly keepRecord: (() => void) | undefined;
  readonly step: (event: AttemptEvent) => Attempt;
}

/** Starts `execute` in this very turn, and reports what became of it. */
export function execute<Input, Result>(call: LetThrough<Input, Result>): Outcome<Result> | Promise<Outcome<Result>> {
  const running = new RunningCall(call);
  const { guard, action, effective } = call;
  call.step({ type: 'start' });
  guard.inFlight.start(running);
  // Called here, in the very block of the last look; only its end is awaited.
  let result: Result | Promise<Result>;
  try {
    result = action.execute(effective, running.context);
  } catch (error) {
    return running.failed(error);
  } finally {
    call.keepRecord?.();
  }
  if (!isThenable(result)) return running.landed(result);
  return Promise.resolve(result).then(
    (value) => running.landed(value),
    (error: unknown) => running.failed(error),
  );
}

const isThenable = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/** An action under way: watched by the decision that let it through. */
class RunningCall<Input, Result> implements Watched {
  readonly decision: Decision;
  readonly context: StartedCall;
  readonly #call: LetThrough<Input, Result>;
  #evaluated: Reading;

  constructor(call: LetThrough<Input, Result>) {
    this.#call = call;
    this.#evaluated = call.evaluated;
    this.decision = call.decision;
    this.context = new StartedCall(call.options);
  }

  look(): Decision {
    return look(this.#call.guard, this.#call.call, this.#evaluated);
  }

  async refresh(): Promise<void> {
    const { guard, call } = this.#call;
    this.#evaluated = await evaluateMode(guard.client, call, guard.deadlines);
  }

  stop(stoppedBy: Decision): boolean {
    const { is } = this.#call.step({ type: 'stop', decision: stoppedBy });
    return is === 'stopping' && this.context.stop(stoppedBy);
  }

  landed(result: Result): Outcome<Result> {
    const ended = this.#end({ type: 'land' });
    if (ended.is === 'landed' && ended.stoppedBy) return this.#aborted(ended.stoppedBy, 'landed');
    const { decision } = this;
    return { status: decision.verdict === 'redirect' ? 'redirected' : 'executed', decision, result };
  }

  /** @throws what `execute` threw, unless it had been told to stop */
  failed(error: unknown): Outcome<Result> {
    const ended = this.#end({ type: 'fail', error });
    if (ended.is === 'unknown') return this.#aborted(ended.stoppedBy, 'unknown');
    throw error;
  }

  #end(event: AttemptEvent): Attempt {
    this.#call.guard.inFlight.end(this);
    this.context.release();
    return this.#call.step(event);
  }

  /** What ended after it was told to stop is never a success that nobody saw; only what cannot change anything is known not to have landed. */
  #aborted(stoppedBy: Decision, state: 'landed' | 'unknown'): Outcome<Result> {
    const { guard, action, call, effective } = this.#call;
    guard.interventions.add(stoppedBy, call, { input: effective, status: 'aborted', state });
    return { status: 'aborted', decision: stoppedBy, landed: action.effect === 'write' ? 'unknown' : 'no' };
  }
}

/** What `execute` is given. Its signal and its key are made only when somebody looks at them: most actions never do. */
class StartedCall implements ExecuteContext {
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Decision | undefined;
  #key: string | undefined;
  #onOuter: (() => void) | undefined;

  constructor({ signal, idempotencyKey }: CallOptions) {
    this.#outer = signal;
    this.#key = idempotencyKey;
  }

  get idempotencyKey(): string {
    this.#key ??= randomUUID();
    return this.#key;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#stoppedBy) this.#controller.abort(this.#stoppedBy);
      else if (this.#outer) this.#hearOuter(this.#controller, this.#outer);
    }
    return this.#controller.signal;
  }

  #hearOuter(controller: AbortController, outer: AbortSignal): void {
    this.#onOuter = () => controller.abort(outer.reason);
    if (outer.aborted) this.#onOuter();
    else outer.addEventListener('abort', this.#onOuter, { once: true });
  }

  /** False when it had been told before. */
  stop(decision: Decision): boolean {
    if (this.#stoppedBy) return false;
    this.#stoppedBy = decision;
    this.#controller?.abort(decision);
    return true;
  }

  release(): void {
    if (this.#onOuter) this.#outer?.removeEventListener('abort', this.#onOuter);
  }
}

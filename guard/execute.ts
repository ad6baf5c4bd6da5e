import { randomUUID } from 'node:crypto';
import type { Decision, Verdict } from '../flags/index.ts';
import type { CallOptions, ExecuteContext, NormalisedAction } from './action.ts';
import type { Attempt, AttemptEvent } from './attempt-state.ts';
import type { DecidedCall } from './decide.ts';
import type { Guard } from './guard.ts';
import type { Watched } from './in-flight.ts';
import type { Outcome } from './outcome.ts';

/** A call that was let through, and all that was found out about it. */
export interface Execution<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly call: DecidedCall;
  readonly verdict: Verdict;
  readonly last: Decision;
  readonly again: () => Decision;
  readonly refresh: () => Promise<void>;
  readonly input: Input;
  readonly effective: Input;
  readonly options: CallOptions;
  readonly step: (event: AttemptEvent) => Attempt;
}

/** Starts `execute` in this very turn, and reports what became of it. */
export function execute<Input, Result>(
  execution: Execution<Input, Result>,
): Outcome<Result> | Promise<Outcome<Result>> {
  const { guard, action, call, verdict, last, again, refresh, input, effective, options, step } = execution;
  const context = new StartedCall(options);
  const watched: Watched = {
    decision: last,
    look: again,
    refresh,
    stop(stoppedBy) {
      if (step({ type: 'stop', decision: stoppedBy }).is !== 'stopping') return false;
      return context.stop(stoppedBy);
    },
  };
  const end = (event: AttemptEvent): Attempt => {
    guard.inFlight.end(watched);
    context.release();
    return step(event);
  };
  const landed = (result: Result): Outcome<Result> => {
    const ended = end({ type: 'land' });
    if (ended.is === 'landed' && ended.stoppedBy) return aborted(execution, ended.stoppedBy, 'landed');
    return { status: verdict === 'redirect' ? 'redirected' : 'executed', decision: last, result };
  };
  const failed = (error: unknown): Outcome<Result> => {
    const ended = end({ type: 'fail', error });
    if (ended.is === 'unknown') return aborted(execution, ended.stoppedBy, 'unknown');
    throw error;
  };
  step({ type: 'start' });
  guard.inFlight.start(watched);
  if (verdict === 'redirect') {
    const circumstances = { input: effective, original: input, status: 'redirected', state: 'executing' };
    guard.interventions.add(last, call, circumstances);
  }
  // Called here, in the turn of the last look; only its end is awaited.
  let running: Result | Promise<Result>;
  try {
    running = action.execute(effective, context);
  } catch (error) {
    return failed(error);
  }
  return isThenable(running) ? Promise.resolve(running).then(landed, failed) : landed(running);
}

const isThenable = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/** What ended after it was told to stop is never a success that nobody saw; only what cannot change anything is known not to have landed. */
function aborted<Input, Result>(
  { guard, action, call, effective }: Execution<Input, Result>,
  stoppedBy: Decision,
  state: 'landed' | 'unknown',
): Outcome<Result> {
  guard.interventions.add(stoppedBy, call, { input: effective, status: 'aborted', state });
  return { status: 'aborted', decision: stoppedBy, landed: action.effect === 'write' ? 'unknown' : 'no' };
}

/** What `execute` is given. Its signal and its key are made only when somebody looks at them: most actions never do. */
class StartedCall implements ExecuteContext {
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Decision | undefined;
  #key: string | undefined;

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
      else if (this.#outer?.aborted) this.#onOuter();
      else this.#outer?.addEventListener('abort', this.#onOuter, { once: true });
    }
    return this.#controller.signal;
  }

  /** False when it had been told before. */
  stop(decision: Decision): boolean {
    if (this.#stoppedBy) return false;
    this.#stoppedBy = decision;
    this.#controller?.abort(decision);
    return true;
  }

  release(): void {
    this.#outer?.removeEventListener('abort', this.#onOuter);
  }

  readonly #onOuter = (): void => this.#controller?.abort(this.#outer?.reason);
}

import type { AsyncLocalStorage } from 'node:async_hooks';
import { isThenable } from '../flags/callbacks.ts';
import { type Decision, messageOf, shownId } from '../flags/index.ts';
import { within } from '../store/with-deadline.ts';
import type { HandlerContext } from './action.ts';
import { blocked, faultCause } from './decide.ts';
import type { Evaluating } from './evaluate.ts';
import type { InFlight, Running, Abort } from './in-flight.ts';
import type { LocalState } from './look.ts';
import { type Evaluated, LookedAt } from './looked-at.ts';
import { StartedWork } from './started-work.ts';
import type { GuardedSubject } from './subject.ts';

/**
 * How long a handler of the application (`redirect`, `draft`, an `inputSchema`) may take by default, in milliseconds.
 */
export const HANDLER_TIMEOUT_MS = 10_000;

/** The result of a handler: a value, or a sentence that says why there is none. */
export type Handled<T> = { readonly value: T } | { readonly problem: string };

/** A handler of the application that prepares a call. What it calls meanwhile may change nothing. */
export interface Preparing {
  /** Which handler of which action, as the subject of a sentence. */
  readonly name: string;
  readonly isActive: () => boolean;
}

/** The handler that runs, for the code in it: only that pays for it. */
export type PreparingStorage = AsyncLocalStorage<Preparing>;

/** The handler that runs now, for the code in it; null: none. */
export function preparedBy({ preparing }: { readonly preparing: PreparingStorage }): string | null {
  const found = preparing.getStore();
  return found?.isActive() ? found.name : null;
}

/** Why nothing that a handler calls may change anything. */
export const whyNotIn = (handler: string): string =>
  `${handler} has called this, and what prepares a call may change nothing: change it in execute`;

/** The parts of the guard that watch a running handler. */
interface HandlerGuard extends Evaluating, LocalState {
  readonly preparing: PreparingStorage;
  readonly inFlight: InFlight;
  readonly handlerTimeoutMs: number;
}

/** The attempt that a handler works for, or what will become one. */
export interface Handling extends Evaluated {
  readonly guard: HandlerGuard;
  readonly subject: GuardedSubject;
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined;
}

/** A handler that runs, watched by the decision at its beginning. */
class RunningHandler extends LookedAt implements Running {
  readonly decision: Decision;
  readonly subject: GuardedSubject;
  readonly work: StartedWork;

  constructor(handling: Handling) {
    super(handling.guard, handling.subject, handling);
    this.subject = handling.subject;
    this.decision = this.look();
    this.work = new StartedWork(handling);
  }

  isActive(): boolean {
    return true;
  }

  stop(decision: Decision): Abort | null {
    return this.work.stop(decision);
  }
}

/**
 * Calls a handler of the application. It never rejects: a handler that throws or hangs is a problem, and a problem
 * blocks. The handler is in flight until it has ended, also when nobody waits for it any more.
 */
export async function callHandler<T>(
  name: string,
  handler: (context: HandlerContext) => T | Promise<T>,
  handling: Handling,
): Promise<Handled<T>> {
  const { guard, subject } = handling;
  const running = new RunningHandler(handling);
  const { work: started } = running;
  const failed = (error: unknown): Handled<T> => ({ problem: `${name} failed: ${messageOf(error)}` });
  let isActive = true;
  const preparing: Preparing = {
    name: `${name.replace(/^its /, 'the ')} of ${shownId(subject.action ?? '')}`,
    isActive: () => isActive,
  };
  const over = (): void => {
    isActive = false;
    started.release();
  };
  const context: HandlerContext = {
    get signal() {
      return started.signal;
    },
  };
  let given: T | Promise<T>;
  try {
    given = guard.preparing.run(preparing, () => handler(context));
    if (!isThenable(given)) {
      over();
      return { value: given };
    }
  } catch (error) {
    over();
    return failed(error);
  }
  guard.inFlight.start(running);
  const ended = new Promise<T>((resolve) => resolve(given))
    .then((value): Handled<T> => ({ value }), failed)
    .finally(() => {
      guard.inFlight.end(running);
      over();
    });
  const problem = `${name} did not end within ${guard.handlerTimeoutMs} ms`;
  try {
    return await within(ended, guard.handlerTimeoutMs, () => new Error(problem));
  } catch {
    started.stop(blocked(subject, faultCause('HANDLER_FAILED', problem)))?.();
    return { problem };
  }
}

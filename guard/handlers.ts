import { isThenable } from '../flags/callbacks.ts';
import { type Decision, messageOf } from '../flags/index.ts';
import { within } from '../store/with-deadline.ts';
import type { HandlerContext } from './action.ts';
import { blocked, faultCause } from './decide.ts';
import type { ModeSource } from './evaluate.ts';
import type { InFlight, Running, Abort } from './in-flight.ts';
import type { LocalState } from './look.ts';
import { type Evaluated, LookedAt } from './looked-at.ts';
import { StartedWork } from './started-work.ts';
import type { GuardedSubject } from './subject.ts';

/** How long a handler of the user's (`redirect`, `draft`, an `inputSchema`) may take, in milliseconds. */
export const HANDLER_TIMEOUT_MS = 10_000;

/** What a handler of the user's came to: a value, or in a sentence why there is none. */
export type Handled<T> = { readonly value: T } | { readonly problem: string };

/** By what a handler is looked at while it is under way, and how long it may be. */
interface HandlerGuard extends ModeSource, LocalState {
  readonly inFlight: InFlight;
  readonly handlerTimeoutMs: number;
}

/** What a handler works for: an attempt, or what is about to be one. */
export interface Handling extends Evaluated {
  readonly guard: HandlerGuard;
  readonly subject: GuardedSubject;
  /** The caller's own. */
  readonly signal: AbortSignal | undefined;
}

/** A handler under way, by what is decided when it begins. */
class RunningHandler extends LookedAt implements Running {
  readonly decision: Decision;
  readonly started: StartedWork;

  constructor(handling: Handling) {
    super(handling.guard, handling.subject, handling);
    this.decision = this.look();
    this.started = new StartedWork(handling);
  }

  isActive(): boolean {
    return true;
  }

  stop(decision: Decision): Abort | null {
    return this.started.stop(decision);
  }
}

/**
 * Calls a handler of the user's. It never rejects: one that throws or hangs is a problem, and a problem blocks. What
 * has begun is in flight until it has ended, also when nobody waits for it any more.
 */
export async function callHandler<T>(
  name: string,
  handler: (context: HandlerContext) => T | Promise<T>,
  handling: Handling,
): Promise<Handled<T>> {
  const { guard, subject } = handling;
  const running = new RunningHandler(handling);
  const { started } = running;
  const failed = (error: unknown): Handled<T> => ({ problem: `${name} failed: ${messageOf(error)}` });
  let given: T | Promise<T>;
  try {
    given = handler({
      get signal() {
        return started.signal;
      },
    });
    if (!isThenable(given)) {
      started.release();
      return { value: given };
    }
  } catch (error) {
    started.release();
    return failed(error);
  }
  guard.inFlight.start(running);
  const ended = new Promise<T>((resolve) => resolve(given))
    .then((value): Handled<T> => ({ value }), failed)
    .finally(() => {
      guard.inFlight.end(running);
      started.release();
    });
  const problem = `${name} did not end within ${guard.handlerTimeoutMs} ms`;
  try {
    return await within(ended, guard.handlerTimeoutMs, () => new Error(problem));
  } catch {
    started.stop(blocked(subject, faultCause('HANDLER_FAILED', problem)))?.();
    return { problem };
  }
}

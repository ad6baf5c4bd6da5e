import { isThenable } from '../flags/callbacks.ts';
import type { Outcome } from './outcome.ts';
import { settled } from './ongoing/promises.ts';
import { type LetThrough, RunningCall } from './running-call.ts';

/** Starts `execute` in this very turn, and reports what became of it. */
export function execute<Input, Result>(call: LetThrough<Input, Result>): Outcome<Result> | Promise<Outcome<Result>> {
  const running = new RunningCall(call);
  const { guard, action, effective } = call;
  call.step({ type: 'start' });
  guard.inFlight.start(running);
  // Called here, in the very block of the last look; only its end is awaited.
  let result: Result | Promise<Result>;
  try {
    result = action.execute(effective, running.context.given());
  } catch (error) {
    return running.failed(error);
  } finally {
    call.keepRecord?.();
  }
  let ended: Promise<Result>;
  try {
    if (!isThenable(result)) return running.landed(result);
    ended = Promise.resolve(result);
  } catch (error) {
    return running.failed(error); // a `then` or a `constructor` that cannot be read
  }
  return settled(
    ended,
    (value) => running.landed(value),
    (error: unknown) => running.failed(error),
  );
}

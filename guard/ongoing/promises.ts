import { ActionResultError, ActionStoppedError } from '../errors.ts';
import { orStopped, type Stopped, unless } from './given.ts';
import type { Hold, OpenPart, Part } from './part.ts';
import { standIn } from './stand-in.ts';

/** Settles as `await` does, by the language's own `then`: a promise's own `then` property may do anything. */
export const settled = <T, U>(
  promise: Promise<T>,
  onValue: (value: T) => U,
  onError: (error: unknown) => U,
): Promise<U> => (Promise.prototype.then<U, U>).call(Promise.resolve(promise), onValue, onError);

/**
 * A promise for the caller. Its own errors are unhandled rejections where the caller does not handle them, as without
 * us. An error by a stop is not: a stop is no crash.
 */
export function handedOut<T>(promise: Promise<T>): Promise<T> {
  const out: Promise<T> = promise.then(undefined, (error: unknown) => {
    if (error instanceof ActionStoppedError || error instanceof ActionResultError) out.catch(() => {});
    throw error;
  });
  return out;
}

/**
 * Holds a promise that was not awaited, and its value. A promise of a subclass keeps only the methods of all promises.
 * After a stop it rejects with the reason of the stop.
 */
export const holdPromise: Hold<Promise<unknown>> = (promise, open, action, inner) =>
  holdEnd(promise, open, action, (value, stopped) => unless(stopped, inner(value)));

/** The same for a promise that a step has returned: its value is the step's result, and need not be the end. */
export const holdStep: Hold<Promise<unknown>> = (promise, open, action, inner) =>
  holdEnd(promise, open, action, (value) => inner(value));

function holdEnd(
  promise: Promise<unknown>,
  open: OpenPart,
  action: string,
  inner: (value: unknown, stopped: Stopped) => unknown,
): unknown {
  let reason: Error | undefined;
  const stopped: Stopped = () => reason;
  const part: Part = open((why) => {
    reason = why; // a promise cannot be ended; only the signal can reach its work
  });
  part.begin();
  const ended = settled(
    promise,
    (value) => orStopped(stopped, () => inner(value, stopped)),
    (error: unknown) => {
      throw reason ?? error;
    },
  ).finally(() => part.drop());
  const held = handedOut(ended);
  if (Object.getPrototypeOf(promise) === Promise.prototype && Reflect.ownKeys(promise).length === 0) return held;
  const methods = {
    // oxlint-disable-next-line unicorn/no-thenable -- it stands for a promise
    then: held.then.bind(held),
    catch: held.catch.bind(held),
    finally: held.finally.bind(held),
  };
  return standIn(promise, methods, action, 'await it');
}

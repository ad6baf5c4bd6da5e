import { ActionResultError, ActionStoppedError } from '../errors.ts';
import { orStopped, type Stopped, unless } from './given.ts';
import type { Hold, OpenPart, Part } from './part.ts';
import { standIn } from './stand-in.ts';

/**
 * As `await` does it: by the language's own `then`. A `then` that somebody has put on a promise may do anything, or
 * nothing.
 */
export const settled = <T, U>(
  promise: Promise<T>,
  onValue: (value: T) => U,
  onError: (error: unknown) => U,
): Promise<U> =>
  Promise.prototype.then.call(Promise.resolve(promise), onValue as (value: unknown) => U, onError) as Promise<U>;

/**
 * The same for whoever asked for it. What it fails with by itself is unhandled where they do not handle it, as it would
 * be without us. A stop is no crash: what fails by one needs nobody to handle it.
 */
export function handedOut<T>(promise: Promise<T>): Promise<T> {
  const out: Promise<T> = promise.then(undefined, (error: unknown) => {
    if (error instanceof ActionStoppedError || error instanceof ActionResultError) out.catch(() => {});
    throw error;
  });
  return out;
}

/**
 * What is still being done, though it was not awaited; and what comes of it. One of a class of its own has only the
 * methods that all promises have. What it comes to after a stop is an end, and no complete one.
 */
export const holdPromise: Hold<Promise<unknown>> = (promise, open, action, inner) =>
  holdEnd(promise, open, action, (value, stopped) => unless(stopped, inner(value)));

/** The same for one that a step has given: what it comes to is the step's, and need not be the end. */
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
    reason = why; // it can only be told by the signal
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

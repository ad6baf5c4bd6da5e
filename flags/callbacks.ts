/** True for whatever has a `then`, functions too. @throws what a getter of `then` throws */
export const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  'then' in value &&
  typeof value.then === 'function';

/**
 * True when a user's function that must be synchronous has returned a promise, or an object whose `then` cannot be
 * read. Nobody awaits that promise: its rejection is handled here, because an unhandled one would end the process.
 */
export function dropPromise(value: unknown): boolean {
  try {
    if (!isThenable(value)) return false;
  } catch {
    return true;
  }
  Promise.resolve(value).catch(() => {});
  return true;
}

/** Calls a user's listener, where there is one. What it throws, or its promise rejects with, is dropped. */
export function notify<Args extends readonly unknown[]>(
  listener: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    dropPromise(listener?.(...args));
  } catch {
    // A listener's failure is its own: the caller goes on.
  }
}

/** True for a promise, or what passes for one: functions can be thenable, too. @throws what a getter throws */
export const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  'then' in value &&
  typeof value.then === 'function';

/**
 * True when a function of the user's that is to be synchronous has given a promise, or what cannot be told from one.
 * Nobody awaits it, so its rejection is handled here: it would otherwise end the process.
 */
export function dropPromise(value: unknown): boolean {
  try {
    if (!isThenable(value)) return false;
  } catch {
    return true; // a `then` that cannot be read
  }
  Promise.resolve(value).catch(() => {});
  return true;
}

/**
 * Tells somebody, whatever they do with it: what a listener throws, or a promise of its rejects with, is no trouble of
 * who tells.
 */
export function tell<Args extends readonly unknown[]>(
  listener: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    dropPromise(listener?.(...args));
  } catch {
    // Its own affair.
  }
}

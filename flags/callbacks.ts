/**
 * True for a promise, or what passes for one, from a function of the user's that is to be synchronous. Nobody awaits it, so its rejection is handled here:
 * it would otherwise end the process.
 */
export function isPromise(value: unknown): boolean {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  try {
    if (!('then' in value) || typeof value.then !== 'function') return false;
  } catch {
    return true; // a `then` that cannot be read
  }
  Promise.resolve(value).catch(() => {});
  return true;
}

/** Tells somebody, whatever they do with it: what a listener throws, or a promise of its rejects with, is no trouble of who tells. */
export function tell<Args extends readonly unknown[]>(
  listener: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    isPromise(listener?.(...args));
  } catch {
    // Its own affair.
  }
}

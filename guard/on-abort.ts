/** The listeners of one signal. */
class Listeners {
  readonly #signal: AbortSignal;
  readonly #all = new Set<{ readonly listener: () => void }>();
  readonly #fired = (): void => {
    for (const { listener } of [...this.#all]) listener();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(listener: () => void): () => void {
    const own = { listener };
    if (this.#all.size === 0) this.#signal.addEventListener('abort', this.#fired, { once: true });
    this.#all.add(own);
    return () => {
      if (this.#all.delete(own) && this.#all.size === 0) this.#signal.removeEventListener('abort', this.#fired);
    };
  }
}

const listeners = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `listener` when the signal fires, or at once where it has already; the returned function unsubscribes. The
 * signal itself gets one listener of ours, however many subscribe, and none when all have unsubscribed: Node warns of
 * many listeners, and each one left behind makes the next slower.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  let all = listeners.get(signal);
  if (!all) {
    all = new Listeners(signal);
    listeners.set(signal, all);
  }
  return all.add(listener);
}

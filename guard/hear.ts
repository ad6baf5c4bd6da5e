/** Those who hear of a signal. */
class Hearers {
  readonly #signal: AbortSignal;
  readonly #all = new Set<{ readonly heard: () => void }>();
  readonly #fired = (): void => {
    for (const { heard } of [...this.#all]) heard();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(heard: () => void): () => void {
    const own = { heard };
    if (this.#all.size === 0) this.#signal.addEventListener('abort', this.#fired, { once: true });
    this.#all.add(own);
    return () => {
      if (this.#all.delete(own) && this.#all.size === 0) this.#signal.removeEventListener('abort', this.#fired);
    };
  }
}

const hearers = new WeakMap<AbortSignal, Hearers>();

/**
 * Calls back when the signal fires, or at once where it has, unless the returned function has ended that. However many
 * hear of a signal, it has one listener of ours, and none when nobody does: Node warns of many, and each that is left
 * behind makes the next one slower.
 */
export function hear(signal: AbortSignal, heard: () => void): () => void {
  if (signal.aborted) {
    heard();
    return () => {};
  }
  let all = hearers.get(signal);
  if (!all) {
    all = new Hearers(signal);
    hearers.set(signal, all);
  }
  return all.add(heard);
}

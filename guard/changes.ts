/** Tells everybody who waits that something may be decided otherwise now. Those who wait for nothing else share one promise, so that a waiting call costs next to nothing. */
export class Changes {
  readonly #wakers = new Set<() => void>();
  #resolve: () => void = () => {};
  #next: Promise<void>;

  constructor() {
    this.#next = this.#arm();
  }

  /** Resolves with the next change. */
  next(): Promise<void> {
    return this.#next;
  }

  /** Calls back at the next change, unless the returned function has ended that: whoever may stop waiting before leaves nothing behind, as with a promise. */
  once(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => this.#wakers.delete(wake);
  }

  /** Wakes everybody who waits. */
  notify(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
    const resolve = this.#resolve;
    this.#next = this.#arm();
    resolve();
  }

  #arm(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}

/** Waits for the next change, but at most `ms` milliseconds (Infinity: without end) and until `signal` fires. */
export async function nextChange(changes: Changes, ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  if (ms === Number.POSITIVE_INFINITY && !signal) return changes.next();
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  let forget: (() => void) | undefined;
  try {
    await new Promise<void>((resolve) => {
      forget = changes.once(resolve);
      if (ms < 2 ** 31) timer = setTimeout(resolve, ms);
      onAbort = () => resolve();
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    clearTimeout(timer);
    forget?.();
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/** Tells everybody who waits that something may be decided otherwise now. All of them share one promise, so that a waiting call costs next to nothing. */
export class Changes {
  #resolve: () => void = () => {};
  #next: Promise<void>;

  constructor() {
    this.#next = this.#arm();
  }

  /** Resolves with the next change. */
  next(): Promise<void> {
    return this.#next;
  }

  /** Wakes everybody who waits. */
  notify(): void {
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
  try {
    await new Promise<void>((resolve) => {
      void changes.next().then(resolve);
      if (ms < 2 ** 31) timer = setTimeout(resolve, ms);
      onAbort = () => resolve();
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

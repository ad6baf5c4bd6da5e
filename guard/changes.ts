import { LONGEST_TIMER_MS } from '../flags/index.ts';
import { hear } from './hear.ts';

/**
 * Tells everybody who waits that something may be decided otherwise now. Those who wait for nothing else share one
 * promise, so that a waiting call costs next to nothing.
 */
export class Changes {
  readonly #wakers = new Set<() => void>();
  #resolve: () => void = () => {};
  #next: Promise<void>;
  #held = 0;
  #hold: NodeJS.Timeout | undefined;

  constructor() {
    this.#next = this.#arm();
  }

  /** Resolves with the next change. */
  next(): Promise<void> {
    return this.#next;
  }

  /**
   * Calls back at the next change, unless the returned function has ended that: whoever may stop waiting before leaves
   * nothing behind, as with a promise.
   */
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

  /**
   * Keeps the process alive until `letGo`: one that has nothing left but calls that wait would end, and their work with
   * it.
   */
  hold(): void {
    if (this.#held === 0) this.#hold = setInterval(() => {}, LONGEST_TIMER_MS);
    this.#held += 1;
  }

  letGo(): void {
    this.#held -= 1;
    if (this.#held === 0) clearInterval(this.#hold);
  }

  #arm(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}

/**
 * Waits for the next change, but at most `ms` milliseconds (Infinity: without end) and until `signal` fires. Who waits
 * keeps the process alive.
 */
export async function nextChange(changes: Changes, ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  let timer: NodeJS.Timeout | undefined;
  let unhear: (() => void) | undefined;
  let forget: (() => void) | undefined;
  changes.hold();
  try {
    if (ms === Number.POSITIVE_INFINITY && !signal) return await changes.next();
    await new Promise<void>((resolve) => {
      forget = changes.once(resolve);
      if (ms <= LONGEST_TIMER_MS) timer = setTimeout(resolve, Math.max(0, ms)); // a negative one is warned of
      if (signal) unhear = hear(signal, resolve);
    });
  } finally {
    changes.letGo();
    clearTimeout(timer);
    forget?.();
    unhear?.();
  }
}

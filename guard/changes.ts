import { LONGEST_TIMER_MS } from '../flags/index.ts';
import { onAbort } from './on-abort.ts';

/**
 * Wakes every waiting call when a decision may have changed. Calls that wait for nothing else share one promise, so a
 * waiting call costs next to nothing.
 */
export class Changes {
  readonly #wakers = new Set<() => void>();
  #resolve: () => void = () => {};
  #next: Promise<void>;
  readonly #onBegin: () => void;
  #held = 0;
  #count = 0;
  #hold: NodeJS.Timeout | undefined;

  /** @param onBegin called when a call has begun to wait */
  constructor(onBegin: () => void = () => {}) {
    this.#onBegin = onBegin;
    this.#next = this.#arm();
  }

  /** True when no call waits. */
  get isEmpty(): boolean {
    return this.#held === 0;
  }

  /** How many changes there were: whoever has seen this number has missed none. */
  get count(): number {
    return this.#count;
  }

  /** Resolves with the next change. */
  next(): Promise<void> {
    return this.#next;
  }

  /**
   * Calls `wake` at the next change; the returned function unsubscribes. For callers that may stop waiting earlier: a
   * promise would keep them in memory until the change.
   */
  once(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => this.#wakers.delete(wake);
  }

  /** Wakes all who wait. */
  notify(): void {
    this.#count += 1;
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
    const resolve = this.#resolve;
    this.#next = this.#arm();
    resolve();
  }

  /**
   * Keeps the process alive until `letGo`: Node ends a process that has nothing but waiting promises, and their work
   * would be lost.
   */
  hold(): void {
    if (this.#held === 0) this.#hold = setInterval(() => {}, LONGEST_TIMER_MS);
    this.#held += 1;
    this.#onBegin();
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
 * Waits for the next change, at most `ms` milliseconds (Infinity: without end), or until `signal` fires. Keeps the
 * process alive meanwhile.
 */
export async function untilChange(changes: Changes, ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  let forget: (() => void) | undefined;
  changes.hold();
  try {
    if (ms === Number.POSITIVE_INFINITY && !signal) return await changes.next();
    await new Promise<void>((resolve) => {
      forget = changes.once(resolve);
      if (ms <= LONGEST_TIMER_MS) timer = setTimeout(resolve, Math.max(0, ms)); // Node warns of a negative delay
      if (signal) unsubscribe = onAbort(signal, resolve);
    });
  } finally {
    changes.letGo();
    clearTimeout(timer);
    forget?.();
    unsubscribe?.();
  }
}

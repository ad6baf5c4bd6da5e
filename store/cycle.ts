import { confirmEveryMs, retryAfterMs } from '../flags/lease.ts';
import { type Ended, Rounds } from './rounds.ts';

/**
 * How long after a push an executor reports it, in milliseconds: at random between these two, because a thousand
 * executors that hear the same kill would else all ask the store while it still pushes to the rest.
 */
const REPORT_AFTER_MS = [5, 25] as const;

/** How often a store is asked again without a pause: one whose answers never fit is then left alone for a while. */
const MOST_AT_ONCE = 10;

export interface CycleOptions {
  readonly leaseMs: number;
  /** Asks the store, and takes its answer. False when it gave none. It never rejects. */
  readonly ask: () => Promise<boolean>;
}

/**
 * When an executor asks its store: every third of the lease, sooner where the store did not answer, and at once when
 * there is something new to ask or to report. One question at a time. It does not look into the answers.
 */
export class Cycle {
  readonly #rounds: Rounds<boolean>;
  /**
   * The lease was found over since the present question was asked. The store is then asked again even if that question
   * fails; `wake` alone does not cause that.
   */
  #leaseEnded = false;
  #timer: NodeJS.Timeout | undefined;
  #soonTimer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #closed = false;

  constructor({ leaseMs, ask }: CycleOptions) {
    this.#rounds = new Rounds({
      round: () => {
        clearTimeout(this.#timer);
        this.#leaseEnded = false;
        return ask();
      },
      // A failure may have the same cause as the lease's end: a deadline that has passed while the process was
      // suspended says nothing about the store.
      goesOn: (ended, asked, count) => count < MOST_AT_ONCE && (this.#leaseEnded || (asked && hasAnswered(ended))),
      onRest: (last) => {
        const waitMs = hasAnswered(last) ? confirmEveryMs(leaseMs) : retryAfterMs(leaseMs);
        this.#timer = setTimeout(() => void this.run(), waitMs);
        this.#timer.unref();
      },
    });
  }

  /** Asks now, or takes the question that is under way. Resolves when nothing more is to be asked at once. */
  run(): Promise<void> {
    return this.#rounds.begin();
  }

  /** There is something new to ask or to report: asks now, or once more after the question that is under way. */
  wake(): void {
    this.#rounds.ask();
  }

  /**
   * Asks a moment later. A push that was applied holds already and renews nothing, so reporting it can wait: it must
   * not keep the store from pushing to others.
   */
  wakeSoon(): void {
    if (this.#closed || this.#soonTimer) return;
    const [least, most] = REPORT_AFTER_MS;
    this.#soonTimer = setTimeout(
      () => {
        this.#soonTimer = undefined;
        this.wake();
      },
      least + Math.random() * (most - least),
    );
    this.#soonTimer.unref();
  }

  /**
   * A look at the clocks has found the lease over, perhaps because a clock was stepped or the process was suspended,
   * while the store is well. The caller is in the middle of a decision, so the store is asked in a later turn.
   */
  leaseHasEnded(): void {
    if (this.#closed) return;
    this.#leaseEnded = true;
    clearImmediate(this.#immediate);
    this.#immediate = setImmediate(() => {
      if (this.#leaseEnded) void this.run(); // else the store was asked since
    });
  }

  /** Ends it; resolves when the question under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#soonTimer);
    clearImmediate(this.#immediate);
    await this.#rounds.close();
  }
}

const hasAnswered = (ended: Ended<boolean>): boolean => ended.is === 'done' && ended.value;

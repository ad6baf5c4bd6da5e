import { type Ended, Rounds } from './rounds.ts';

/**
 * When an executor reports a change that was pushed to it, in milliseconds: at a moment of its own between these,
 * because a thousand of them that hear the same kill would all ask the store while it still tells the rest.
 */
const REPORT_AFTER_MS = [5, 25] as const;

/** So often at most a store is asked again at once: one whose answers never fit is then left alone for a while. */
const MOST_AT_ONCE = 10;

export interface CycleOptions {
  readonly leaseMs: number;
  /** Asks the store, and takes its answer. False when it gave none. It never rejects. */
  readonly ask: () => Promise<boolean>;
}

/**
 * When an executor asks its store: every third of the lease, sooner where the store did not answer, and at once when
 * there is something new to ask or to say. It asks one question at a time. What the answers are worth is not its
 * business.
 */
export class Cycle {
  readonly #leaseMs: number;
  readonly #rounds: Rounds<boolean>;
  /**
   * The lease was found over since the present question was asked. That counts also when it fails, unlike what else
   * comes meanwhile.
   */
  #leaseEnded = false;
  #timer: NodeJS.Timeout | undefined;
  #soonTimer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #closed = false;

  constructor({ leaseMs, ask }: CycleOptions) {
    this.#leaseMs = leaseMs;
    this.#rounds = new Rounds({
      round: () => {
        clearTimeout(this.#timer);
        this.#leaseEnded = false;
        return ask();
      },
      // A failure may be of the same making as the lease's end: a deadline that is found over right after a suspension
      // says nothing of the store.
      goesOn: (ended, asked, count) => count < MOST_AT_ONCE && (this.#leaseEnded || (asked && hasAnswered(ended))),
      onRest: (last) => {
        const waitMs = hasAnswered(last) ? this.#leaseMs / 3 : Math.min(500, Math.max(50, this.#leaseMs / 10));
        this.#timer = setTimeout(() => void this.run(), waitMs);
        this.#timer.unref();
      },
    });
  }

  /** Asks now, or takes the question that is under way. Resolves when nothing more is to be asked at once. */
  run(): Promise<void> {
    return this.#rounds.begin();
  }

  /** There is something new to ask or to say: asks now, or once more after the question that is under way. */
  wake(): void {
    this.#rounds.ask();
  }

  /**
   * What was pushed holds already and renews nothing, so its report may wait a moment: it must not keep others from
   * hearing of it.
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
   * A clock has ended the lease, perhaps by a step or after a suspension, while the store is as well as ever. Who found
   * it is in the middle of a decision.
   */
  leaseHasEnded(): void {
    if (this.#closed) return;
    this.#leaseEnded = true;
    clearImmediate(this.#immediate);
    this.#immediate = setImmediate(() => {
      if (this.#leaseEnded) void this.run(); // else a question that was under way has been asked again already
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

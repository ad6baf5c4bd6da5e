import type { Attempted } from '../flags/refused-attempts.ts';
import type { Order } from './change-queue.ts';
import type { Actor } from './operators.ts';
import { isChangeRefusedError } from './refusals.ts';

/** How long recording an attempt is tried, in milliseconds: nobody waits for it. */
const RETRY_MS = 1000;

/** How many kinds of attempts one process counts at once. Further ones are counted with the last of them. */
const MOST_COUNTED = 100;

interface Counted {
  readonly actor: Actor;
  readonly attempted: Attempted;
  count: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Has refused attempts recorded: the first of a kind at once, its repeats counted into one event, each time after a
 * longer while. Nobody waits for it, and what cannot be recorded is let go.
 */
export class RefusedAttempts {
  readonly #append: (order: Order) => Promise<unknown>;
  readonly #counted = new Map<string, Counted>();
  #recording: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(append: (order: Order) => Promise<unknown>) {
    this.#append = append;
  }

  note(actor: Actor, attempted: Attempted): void {
    const key = JSON.stringify(attempted);
    const known = this.#counted.get(key) ?? this.#counting(key, { actor, attempted });
    known.count += 1;
    if (known.timer === null && known.count === 1) this.#record(key, known);
  }

  /** Records what was counted, as far as it may be recorded now, and waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [key, counted] of this.#counted) {
      clearTimeout(counted.timer ?? undefined);
      if (counted.count > 0 && counted.timer) this.#record(key, counted);
    }
    await this.#recording;
  }

  /** Resolves when what is being recorded now is recorded. */
  async settled(): Promise<void> {
    await this.#recording;
  }

  #counting(key: string, of: Pick<Counted, 'actor' | 'attempted'>): Counted {
    const full = this.#counted.size >= MOST_COUNTED ? [...this.#counted.values()].at(-1) : undefined;
    if (full) return full;
    const counted: Counted = { ...of, count: 0, timer: null };
    this.#counted.set(key, counted);
    return counted;
  }

  #record(key: string, counted: Counted): void {
    counted.timer = null;
    this.#recording = this.#recording.then(async () => {
      const { actor, attempted, count } = counted;
      if (count === 0) return;
      const order: Order = { command: { type: 'attempt', attempted, count }, actor, retryMs: RETRY_MS };
      const wait = await this.#append(order).then(() => null, waitOf);
      if (wait === null) counted.count -= count;
      if (counted.count === 0 || this.#closed) this.#counted.delete(key);
      else {
        counted.timer = setTimeout(() => this.#record(key, counted), wait ?? RETRY_MS);
        counted.timer.unref();
      }
    });
  }
}

/** How long it is only counted; a minute where the store did not take it. */
const waitOf = (error: unknown): number =>
  isChangeRefusedError(error) && error.refusal.kind === 'counted' ? error.refusal.wait_ms : 60_000;

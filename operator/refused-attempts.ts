import type { Attempted } from '../flags/refused-attempts.ts';
import type { Tally } from '../store/capabilities/tally.ts';
import type { Order } from './change-queue.ts';
import type { Actor } from './operators.ts';
import { isChangeRefusedError } from './refusals.ts';

/** How long recording an attempt is tried, in milliseconds: nobody waits for it. */
const RETRY_MS = 1000;

/** How many kinds of attempts one process counts at once. Further ones of a person are counted together. */
const MOST_COUNTED = 100;

/** What attempts of several kinds are counted as. */
const SEVERAL = { command: 'several', target: null, code: 'SEVERAL' } as const;

interface Counted {
  readonly actor: Actor;
  readonly attempted: Attempted;
  count: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Has refused attempts recorded: the first of a kind at once, its repeats counted into one event, each time after a
 * longer while; what a process has counted and cannot record before it ends is left to the next. Nobody waits for it,
 * and what cannot be recorded is let go.
 */
export class RefusedAttempts {
  readonly #append: (order: Order) => Promise<unknown>;
  readonly #tally: Tally | null;
  readonly #counted = new Map<string, Counted>();
  #recording: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param tally where counts are kept that this process cannot record before it ends */
  constructor(append: (order: Order) => Promise<unknown>, tally: Tally | null) {
    this.#append = append;
    this.#tally = tally;
  }

  note(actor: Actor, attempted: Attempted): void {
    const isKnown = this.#counted.has(JSON.stringify(attempted)) || this.#counted.size < MOST_COUNTED;
    const kind = isKnown ? attempted : { by: attempted.by, ...SEVERAL };
    const key = JSON.stringify(kind);
    const known = this.#counted.get(key) ?? this.#counting(key, { actor, attempted: kind });
    known.count += 1;
    if (known.timer === null && known.count === 1) this.#record(key, known);
  }

  /** Waits for what is being recorded, and leaves the rest to the next process. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#recording;
    const left = [...this.#counted].filter(([, { count }]) => count > 0);
    for (const [, { timer }] of left) clearTimeout(timer ?? undefined);
    await Promise.all(left.map(([key, { count }]) => this.#tally?.add(key, count).catch(() => {})));
  }

  /** Resolves when what is being recorded now is recorded. */
  async settled(): Promise<void> {
    await this.#recording;
  }

  #counting(key: string, of: Pick<Counted, 'actor' | 'attempted'>): Counted {
    const counted: Counted = { ...of, count: 0, timer: null };
    this.#counted.set(key, counted);
    return counted;
  }

  /** What other processes have counted of it, and could not record. */
  #taken(key: string): Promise<number> {
    return this.#tally?.take(key).catch(() => 0) ?? Promise.resolve(0);
  }

  #record(key: string, counted: Counted): void {
    counted.timer = null;
    this.#recording = this.#recording.then(async () => {
      const { actor, attempted, count: own } = counted;
      if (own === 0) return;
      const count = own + (await this.#taken(key));
      const order: Order = { command: { type: 'attempt', attempted, count }, actor, retryMs: RETRY_MS };
      const wait = await this.#append(order).then(() => null, waitOf);
      counted.count += wait === null ? -own : count - own;
      if (counted.count === 0) this.#counted.delete(key);
      else if (!this.#closed) {
        counted.timer = setTimeout(() => this.#record(key, counted), wait ?? RETRY_MS);
        counted.timer.unref();
      }
    });
  }
}

/** How long it is only counted; a minute where the store did not take it. */
const waitOf = (error: unknown): number =>
  isChangeRefusedError(error) && error.refusal.kind === 'counted' ? error.refusal.wait_ms : 60_000;

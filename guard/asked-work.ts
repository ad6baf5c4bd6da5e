import type { Replica } from '../store/replica.ts';

/** What the state of the switch asks this executor to do: looked for at each change, and done one after the other. */
export class AskedWork {
  readonly #begun = new Set<string>();
  readonly #closing = new AbortController();
  readonly #stopListening: () => void;
  /** The end of the last one that was begun. Never rejects. */
  #last: Promise<void> = Promise.resolve();

  /** @param look called at each change: adds what is asked for */
  constructor(replica: Pick<Replica, 'on'>, look: () => void) {
    this.#stopListening = replica.on((event) => {
      if (event.type === 'changed') look();
    });
  }

  /** Fires when nothing more is to be begun. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Does what has this key once, after all that was added before. What it rejects with is dropped. */
  add(key: string, work: () => Promise<void>): void {
    if (this.#begun.has(key)) return;
    this.#begun.add(key);
    this.#last = this.#last.then(work).catch(() => {});
  }

  /** Begins nothing more. Resolves when what runs has come to its end. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#closing.abort();
    await this.#last;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../flags/callbacks.ts';
import { messageOf } from '../flags/index.ts';

export interface LookingOptions {
  /** One look. Resolves to what keeps it from a part of its work, or an empty text. */
  readonly look: (signal: AbortSignal) => Promise<string>;
  /** How long it rests after a look that took so long, both in milliseconds. */
  readonly pauseMs: (tookMs: number) => number;
  /** Called once with what keeps it from its work, and once with an empty text when that is over. */
  readonly onTrouble: (problem: string) => void;
}

/** Looks again and again until it is closed, through outages: what each part of an operating process does. */
export class Looking {
  readonly #options: LookingOptions;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #trouble = '';

  constructor(options: LookingOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Ends it, after the look that is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { look, pauseMs } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const begun = performance.now();
      this.#tell(await look(signal).catch(messageOf));
      const pause = pauseMs(performance.now() - begun);
      await sleep(pause, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  }

  #tell(problem: string): void {
    if (problem === this.#trouble) return;
    this.#trouble = problem;
    notify(this.#options.onTrouble, problem);
  }
}

/**
 * What keeps the parts of one operating process from their work, as one text: that one of them works again does not
 * hide what keeps another.
 */
export class Troubles {
  readonly #onTrouble: (problem: string) => void;
  readonly #of = new Map<object, string>();

  /** @param onTrouble a user's: called with all of it when that changes; an empty text when all of it is over */
  constructor(onTrouble: (problem: string) => void) {
    this.#onTrouble = onTrouble;
  }

  /** What one more part calls with its own. */
  part(): (problem: string) => void {
    const part = {};
    return (problem) => {
      if ((this.#of.get(part) ?? '') === problem) return;
      if (problem === '') this.#of.delete(part);
      else this.#of.set(part, problem);
      notify(this.#onTrouble, [...this.#of.values()].join(' '));
    };
  }
}

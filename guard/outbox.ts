import { isKillSwitchError } from '../flags/index.ts';
import { Rounds } from '../store/rounds.ts';

/** How long until what the store did not take is sent again, in milliseconds: at first, and at most. */
const [RETRY_MS, LONGEST_RETRY_MS] = [250, 5000];

/** How many messages are kept for the store; further ones are given up. */
const MOST_UNSENT = 10_000;

/** Tells the store something; asked again, it changes nothing more. */
export type Message = () => Promise<void>;

/**
 * What the store has to hear, and has not taken: it is sent again, in its order, until the store takes it or the
 * executor ends. Only for what leaves everything on the safe side where it is never heard.
 */
export class Outbox {
  readonly #unsent: Message[] = [];
  readonly #sending = new Rounds<void>({
    round: () => this.#sendAll(),
    goesOn: (_ended, asked) => asked,
    onRest: () => this.#sendLater(),
  });
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Resolves when the store has taken it, or it is kept to be sent again. Never rejects. */
  async send(message: Message): Promise<void> {
    try {
      await message();
    } catch (error) {
      if (this.#closed || isRefused(error)) return;
      if (this.#unsent.length < MOST_UNSENT) this.#unsent.push(message);
      this.#sendLater();
    }
  }

  /** Sends what is left a last time, and ends. */
  async close(): Promise<void> {
    if (this.#unsent.length > 0) {
      this.#sending.ask();
      await this.#sending.rest();
    }
    this.#closed = true;
    await this.#sending.close();
    clearTimeout(this.#timer);
  }

  async #sendAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let message = this.#unsent[0]; message; message = this.#unsent[0]) {
      await message().catch((error: unknown) => {
        if (!isRefused(error)) throw error;
      });
      this.#unsent.shift();
      this.#retryMs = RETRY_MS;
    }
  }

  #sendLater(): void {
    if (this.#unsent.length === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs);
      this.#sending.ask();
    }, this.#retryMs).unref();
  }
}

/** What no store will ever take. */
const isRefused = (error: unknown): boolean => isKillSwitchError(error) && error.code === 'INVALID_ARGUMENT';

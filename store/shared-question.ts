export interface SharedQuestionOptions<T> {
  /** Sends the question, in the turn in which it is called, and resolves with the answer. */
  readonly send: () => Promise<T>;
  /** Whether a question is sent only when the one before it has been answered; else several may be under way. */
  readonly oneByOne: boolean;
  /** Resolves when the present work of the event loop is done, so that other callers have had their chance to ask. */
  readonly gather: () => Promise<void>;
}

/**
 * One question for all callers that ask before it is sent: its answer is then newer than each of their calls. Later
 * callers get the answer to the next question. A question that fails, fails only for the callers that share it.
 */
export class SharedQuestion<T> {
  readonly #options: SharedQuestionOptions<T>;
  #unsent: Promise<T> | null = null;
  /** The question that was sent last; never rejects. */
  #sent: Promise<unknown> = Promise.resolve();

  constructor(options: SharedQuestionOptions<T>) {
    this.#options = options;
  }

  /** The answer to a question that is sent after this call. */
  ask(): Promise<T> {
    this.#unsent ??= this.#next();
    return this.#unsent;
  }

  async #next(): Promise<T> {
    await this.#options.gather();
    if (this.#options.oneByOne) await this.#sent;
    this.#unsent = null;
    const answer = this.#options.send();
    this.#sent = answer.catch(() => {});
    return answer;
  }
}

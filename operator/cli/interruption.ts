import { CommandError } from './command-error.ts';

/**
 * Ctrl-C or SIGTERM during a change. Once the change is recorded they only end the waiting; before that its outcome is
 * unknown.
 */
export class Interruption {
  readonly #signal: AbortSignal;
  readonly #what: string;
  recorded = false;

  constructor(signal: AbortSignal, what: string) {
    this.#signal = signal;
    this.#what = what;
  }

  /** Rejects when the interruption comes before the change is recorded. @throws CommandError INTERRUPTED */
  before(): Promise<never> {
    return new Promise((_, reject) => {
      const giveUp = (): void => {
        if (this.recorded) return;
        reject(
          new CommandError(
            'INTERRUPTED',
            `Interrupted before the store answered: the change of ${this.#what} may or may not have been recorded. Look: kill-switch status`,
          ),
        );
      };
      this.#signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}

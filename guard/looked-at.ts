import type { Decision, Reading } from '../flags/index.ts';
import type { DecidedCall } from './decide.ts';
import { evaluateMode } from './evaluate.ts';
import { type Guard, look } from './guard.ts';

/** A call that is decided again while something runs by it: from what was evaluated last, and from the local copy. */
export class LookedAt {
  readonly #guard: Guard;
  readonly #call: DecidedCall;
  #evaluated: Reading;
  #asked: number;

  /** @param asked when `evaluated` was asked for, by the monotonic clock */
  constructor(guard: Guard, call: DecidedCall, evaluated: Reading, asked = performance.now()) {
    this.#guard = guard;
    this.#call = call;
    this.#evaluated = evaluated;
    this.#asked = asked;
  }

  look(): Decision {
    return look(this.#guard, this.#call, this.#evaluated);
  }

  async refresh(): Promise<void> {
    const asked = performance.now();
    const evaluated = await evaluateMode(this.#guard, this.#call, asked);
    if (asked < this.#asked) return; // an answer that was overtaken says how it was before
    this.#asked = asked;
    this.#evaluated = evaluated;
  }

  /** How old is what was evaluated last, in milliseconds. */
  ageMs(): number {
    return performance.now() - this.#asked;
  }
}

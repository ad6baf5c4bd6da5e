import type { Decision, Reading } from '../flags/index.ts';
import { evaluateMode, type ModeSource } from './evaluate.ts';
import { type LocalState, look } from './look.ts';
import type { GuardedSubject } from './subject.ts';

/** The result of an evaluation, and when it was asked for, by the monotonic clock. */
export interface Evaluated {
  readonly evaluated: Reading;
  readonly asked: number;
}

/** A subject that is decided about again while work runs: from its last evaluation and the local copy. */
export class LookedAt {
  readonly #guard: ModeSource & LocalState;
  readonly #subject: GuardedSubject;
  #evaluated: Reading;
  #asked: number;

  constructor(guard: ModeSource & LocalState, subject: GuardedSubject, { evaluated, asked }: Evaluated) {
    this.#guard = guard;
    this.#subject = subject;
    this.#evaluated = evaluated;
    this.#asked = asked;
  }

  look(): Decision {
    return look(this.#guard, this.#subject, this.#evaluated);
  }

  async refresh(): Promise<void> {
    const asked = performance.now();
    const evaluated = await evaluateMode(this.#guard, this.#subject, asked);
    if (asked < this.#asked) return; // a later question has been answered first: this answer is older
    this.#asked = asked;
    this.#evaluated = evaluated;
  }

  /** The age of the last evaluation, in milliseconds. */
  ageMs(): number {
    return performance.now() - this.#asked;
  }
}

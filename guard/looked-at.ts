import type { Decision, Reading } from '../flags/index.ts';
import { evaluateMode, type Evaluating } from './evaluate.ts';
import { type LocalState, look } from './look.ts';
import type { GuardedSubject } from './subject.ts';

/** The result of an evaluation, and when it was asked for, by the monotonic clock. */
export interface Evaluated {
  readonly evaluated: Reading;
  readonly askedAt: number;
  /** The subject as people were asked about it, as `look` takes it. */
  readonly asked?: GuardedSubject | null;
}

/** A subject that is decided about again while work runs: from its last evaluation and the local copy. */
export class LookedAt {
  readonly #guard: Evaluating & LocalState;
  readonly #subject: GuardedSubject;
  readonly #asked: GuardedSubject | null;
  #evaluated: Reading;
  #askedAt: number;

  constructor(
    guard: Evaluating & LocalState,
    subject: GuardedSubject,
    { evaluated, askedAt, asked = null }: Evaluated,
  ) {
    this.#guard = guard;
    this.#subject = subject;
    this.#asked = asked;
    this.#evaluated = evaluated;
    this.#askedAt = askedAt;
  }

  look(): Decision {
    return look(this.#guard, this.#subject, this.#evaluated, this.#asked);
  }

  async refresh(): Promise<void> {
    const askedAt = performance.now();
    const evaluated = await evaluateMode(this.#guard, this.#subject, askedAt);
    if (askedAt < this.#askedAt) return; // a later question has been answered first: this answer is older
    this.#askedAt = askedAt;
    this.#evaluated = evaluated;
  }

  /** The age of the last evaluation, in milliseconds. */
  ageMs(): number {
    return performance.now() - this.#askedAt;
  }
}

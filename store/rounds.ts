/** How a round has ended. */
export type Ended<T> = { readonly is: 'done'; readonly value: T } | { readonly is: 'failed'; readonly error: unknown };

export interface RoundsOptions<T> {
  /** Does the work once. */
  readonly round: () => Promise<T>;
  /**
   * Whether the next round follows at once. `asked`: `ask` was called while the last round was under way; `count`: how
   * many rounds have followed each other without a rest. Default: when one was asked for, also after a failure. Must
   * not throw.
   */
  readonly goesOn?: ((ended: Ended<T>, asked: boolean, count: number) => boolean) | undefined;
  /**
   * Called when no round follows at once, but not once closed. A round that was asked for and put off begins with the
   * next `ask` or `begin`. Must not throw.
   */
  readonly onRest?: ((last: Ended<T>) => void) | undefined;
}

/**
 * Runs work one round at a time, and once more when it was asked for meanwhile. One more round is enough however often
 * that was, because it begins after the last request. Deciding that no round follows and coming to rest are one step,
 * so no request is lost in between.
 */
export class Rounds<T = void> {
  readonly #round: () => Promise<T>;
  readonly #goesOn: NonNullable<RoundsOptions<T>['goesOn']>;
  readonly #onRest: (last: Ended<T>) => void;
  #state: 'at rest' | 'under way' | 'asked again' = 'at rest';
  #rest: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ round, goesOn = (_ended, asked) => asked, onRest = () => {} }: RoundsOptions<T>) {
    this.#round = round;
    this.#goesOn = goesOn;
    this.#onRest = onRest;
  }

  /** Begins a round in this very turn; while one is under way, has one more follow it. */
  ask(): void {
    if (this.#state === 'at rest') void this.begin();
    else this.#state = 'asked again';
  }

  /** Begins a round in this very turn, unless one is under way. Resolves as `rest` does. */
  begin(): Promise<void> {
    if (this.#state !== 'at rest' || this.#closed) return this.#rest;
    let atRest = (): void => {};
    this.#rest = new Promise((resolve) => {
      atRest = resolve;
    });
    void this.#run().then(atRest);
    return this.#rest;
  }

  /** Resolves when no round is under way and none follows at once; never rejects. */
  rest(): Promise<void> {
    return this.#rest;
  }

  /** From now on no round begins. Resolves when the one that is under way is over, however it ends. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#rest;
  }

  async #run(): Promise<void> {
    for (let count = 1; ; count += 1) {
      this.#state = 'under way';
      const ended = await this.#once();
      if (!this.#closed && this.#goesOn(ended, this.#wasAsked(), count)) continue;
      this.#state = 'at rest';
      if (!this.#closed) this.#onRest(ended);
      return;
    }
  }

  #wasAsked(): boolean {
    return this.#state === 'asked again';
  }

  async #once(): Promise<Ended<T>> {
    try {
      return { is: 'done', value: await this.#round() };
    } catch (error) {
      return { is: 'failed', error };
    }
  }
}

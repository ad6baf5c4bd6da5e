/** How a round has ended. */
export type Ended<T> = { readonly is: 'done'; readonly value: T } | { readonly is: 'failed'; readonly error: unknown };

export interface RoundsOptions<T> {
  /** Does the work once. */
  readonly round: () => Promise<T>;
  /**
   * Whether the next round follows at once. `asked`: somebody called `ask` since the round that has just ended began;
   * `count`: so many rounds have followed each other without a rest. By default a round follows where one was asked
   * for, also after one that failed. It must not throw.
   */
  readonly goesOn?: ((ended: Ended<T>, asked: boolean, count: number) => boolean) | undefined;
  /**
   * Called when no round follows at once; what was asked for and put off is begun by whoever calls `ask` or `begin`
   * next. Not called once closed. It must not throw.
   */
  readonly onRest?: ((last: Ended<T>) => void) | undefined;
}

/**
 * Work that is done one round at a time, and once more when it was asked for meanwhile. However often that was, one
 * round answers all of it, because it begins after all of it. Deciding that nothing follows and coming to rest are one
 * step, so nobody asks in between in vain.
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

  /** Begins a round in this very turn; where one is under way, one more follows it. */
  ask(): void {
    if (this.#state === 'at rest') void this.begin();
    else this.#state = 'asked again';
  }

  /** Begins a round in this very turn, unless one is under way. Resolves as `rest` does. */
  begin(): Promise<void> {
    if (this.#state !== 'at rest' || this.#closed) return this.#rest;
    this.#state = 'under way';
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

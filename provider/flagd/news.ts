/** Notifies listeners that there may be news, so that flagd should be asked now. */
export class News {
  readonly #listeners = new Set<() => void>();

  readonly on = (listener: () => void): (() => void) => {
    const own = (): void => listener(); // the same function may be added twice, and each is removed by itself
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  };

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Tells whoever listens that something suggests asking flagd now. */
export class News {
  readonly #listeners = new Set<() => void>();

  readonly on = (listener: () => void): (() => void) => {
    const own = (): void => listener(); // the same function may listen twice, and then ends twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  };

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

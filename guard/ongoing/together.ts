import type { Part } from './part.ts';

/** The parts of several calls that gave the same thing: a step of it is a step of each of them. */
export class Together implements Omit<Part, 'passNow' | 'look'> {
  readonly #parts = new Set<Part>();
  #steps = 0;

  add(part: Part): void {
    this.#parts.add(part);
    for (let step = 0; step < this.#steps; step += 1) part.begin();
  }

  /** All are looked at in the very same turn. */
  pass(): Promise<void> | null {
    let isFirst = true;
    for (const part of this.#parts) {
      const wait = isFirst || part.isHeld() ? part.pass() : null;
      if (wait) return wait;
      isFirst = false;
    }
    return null;
  }

  isHeld(): boolean {
    return [...this.#parts].some((part) => part.isHeld());
  }

  begin(): void {
    this.#steps += 1;
    for (const part of this.#parts) part.begin();
  }

  rest(): void {
    if (this.#steps > 0) this.#steps -= 1;
    for (const part of this.#parts) part.rest();
  }

  end(): void {
    for (const part of this.#parts) part.end();
  }

  drop(): void {
    this.#steps = 0;
    for (const part of this.#parts) part.drop();
  }
}

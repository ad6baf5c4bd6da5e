/** Into how many slots a sliding window is divided. */
export const SLOTS = 60;

/** How long a slot of a sliding window is, in milliseconds. */
const slotMs = (windowMs: number): number => Math.max(1, Math.ceil(windowMs / SLOTS));

/** The slot that a moment belongs to. */
export const slotAt = (now: number, windowMs: number): number => Math.floor(now / slotMs(windowMs));

/**
 * The oldest slot that counts at a moment. What a slot has counted stays for the whole window after the slot's end, so
 * no span of the window's length ever has more than the limit; an amount counts up to a sixtieth of the window longer.
 */
export const oldestSlot = (now: number, windowMs: number): number => slotAt(now, windowMs) - SLOTS;

/** Counts what happens in a sliding window, in a bounded number of slots. Time that goes back does not count twice. */
export class SlidingCount {
  readonly #windowMs: number;
  readonly #slots = new Map<number, number>();
  #last = 0;
  #count = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Counts one more. @returns how many there are in the window, this one included */
  add(now: number): number {
    this.#last = Math.max(this.#last, now);
    const slot = slotAt(this.#last, this.#windowMs);
    this.#drop();
    this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + 1);
    this.#count += 1;
    return this.#count;
  }

  #drop(): void {
    const oldest = oldestSlot(this.#last, this.#windowMs);
    for (const [slot, count] of this.#slots) {
      if (slot >= oldest) return; // in the order in which they were begun
      this.#slots.delete(slot);
      this.#count -= count;
    }
  }
}

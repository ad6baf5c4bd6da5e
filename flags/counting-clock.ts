import { SlidingCount } from './sliding-count.ts';

/**
 * 52 bits of a text: two hashes side by side, each with a multiplier of its own. Two of ten thousand texts share one
 * with a chance of one in a hundred million.
 */
export function hashOf(text: string, seed: number): number {
  let high = Math.imul(seed, 0x9e3779b1) ^ 0x2545f491;
  let low = Math.imul(seed, 0x85ebca77) ^ 0x1b873593;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x85ebca77);
    high ^= high >>> 15;
    low = Math.imul(low ^ code, 0xc2b2ae3d);
    low ^= low >>> 13;
  }
  return (high & 0xfffff) * 0x1_0000_0000 + (low >>> 0);
}

/**
 * Counts many things at once, by their hashes, in a bounded number of places: what was not counted again since the hand
 * of the clock was there last makes room for what is new. A thing that is seen once makes no object, since most are,
 * and every call in a run is counted.
 */
export class CountingClock<Of> {
  readonly #places: number;
  readonly #onForget: (of: Of) => void;
  /** Where a hash is. */
  readonly #at = new Map<number, number>();
  readonly #hash: Float64Array;
  readonly #firstAt: Float64Array;
  readonly #isRecent: Uint8Array;
  readonly #of: Of[] = [];
  /** From the second time on. */
  readonly #counts = new Map<number, SlidingCount>();
  #hand = 0;

  /** @param onForget told whose it was that had to make room */
  constructor(places: number, onForget: (of: Of) => void) {
    this.#places = places;
    this.#onForget = onForget;
    this.#hash = new Float64Array(places);
    this.#firstAt = new Float64Array(places);
    this.#isRecent = new Uint8Array(places);
  }

  /** Counts what was seen before. @returns how often in the window, this time included; null: it was not seen before */
  again(hash: number, { now, windowMs }: { readonly now: number; readonly windowMs: number }): number | null {
    const place = this.#at.get(hash);
    if (place === undefined) return null;
    this.#isRecent[place] = 1;
    let count = this.#counts.get(place);
    if (!count) {
      count = new SlidingCount(windowMs);
      count.add(this.#firstAt[place] ?? now);
      this.#counts.set(place, count);
    }
    return count.add(now);
  }

  /** Counts what was not seen before. */
  first(hash: number, of: Of, now: number): void {
    const place = this.#of.length < this.#places ? this.#of.length : this.#free();
    this.#at.set(hash, place);
    this.#hash[place] = hash;
    this.#firstAt[place] = now;
    this.#of[place] = of;
  }

  /** The place under the hand, once it was cleared. */
  #free(): number {
    while (this.#isRecent[this.#hand] === 1) {
      this.#isRecent[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#places;
    }
    const place = this.#hand;
    this.#hand = (place + 1) % this.#places;
    this.#at.delete(this.#hash[place] ?? 0);
    this.#counts.delete(place);
    const of = this.#of[place];
    if (of !== undefined) this.#onForget(of);
    return place;
  }
}

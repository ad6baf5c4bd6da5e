import type { ActiveKill } from './records.ts';

/** From so many kills on there is a filter; fewer are in the processor's caches anyway. */
const FEW = 4096;
const BITS_PER_KILL = 16;

/**
 * Kills of one type by exact id. A Map of a million entries answers "not killed" (nearly every answer) from main memory, several reads an id;
 * a filter of two bytes a kill answers it first, from a cache. Where the filter says "perhaps", the Map decides.
 */
export class KillMap extends Map<string, ActiveKill> {
  #filter: Uint32Array | null = null;
  /** How many more ids the filter takes before it is made anew, with more room. */
  #room = FEW;

  constructor() {
    super(); // a Map made with entries would set them before there are fields
  }

  override get(id: string): ActiveKill | undefined {
    const filter = this.#filter;
    return filter === null || mayHold(filter, id) ? super.get(id) : undefined;
  }

  override set(id: string, kill: ActiveKill): this {
    const before = this.size;
    super.set(id, kill);
    if (this.size === before) return this;
    this.#room -= 1;
    if (this.#room <= 0) this.#refill();
    else if (this.#filter) add(this.#filter, id);
    return this;
  }

  /** What has been deleted stays in the filter until now: it costs a look into the Map, never an answer. */
  #refill(): void {
    this.#room = Math.max(FEW, this.size);
    this.#filter = null;
    if (this.size < FEW) return;
    const kills = this.size + this.#room;
    this.#filter = new Uint32Array(2 ** Math.ceil(Math.log2((kills * BITS_PER_KILL) / 32)));
    for (const id of this.keys()) add(this.#filter, id);
  }
}

/** A number from an id's length, its first four and its last twelve characters: where ids differ, and long ones cost no more than short ones. */
function hash(id: string): number {
  const { length } = id;
  let value = length;
  const first = length < 16 ? length : 4;
  for (let at = 0; at < first; at += 1) value = Math.imul(value ^ id.charCodeAt(at), 0x01000193);
  if (length >= 16) {
    for (let at = length - 12; at < length; at += 1) value = Math.imul(value ^ id.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return value ^ (value >>> 13);
}

/** All three bits of an id are in one word, so that asking reads memory once. A shift takes the last five bits of its number. */
function bitsOf(hashed: number): number {
  const mixed = Math.imul(hashed, 0x9e3779b1) >>> 17; // not the bits that choose the word
  return (1 << mixed) | (1 << (mixed >>> 5)) | (1 << (mixed >>> 10));
}

const wordOf = (filter: Uint32Array, hashed: number): number => hashed & (filter.length - 1);

function add(filter: Uint32Array, id: string): void {
  const hashed = hash(id);
  const word = wordOf(filter, hashed);
  filter[word] = (filter[word] ?? 0) | bitsOf(hashed);
}

function mayHold(filter: Uint32Array, id: string): boolean {
  const hashed = hash(id);
  const bits = bitsOf(hashed);
  return ((filter[wordOf(filter, hashed)] ?? 0) & bits) === bits;
}

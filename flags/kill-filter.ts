import type { Subject } from './context.ts';

/** The number of kills from which on there is a filter; fewer fit into the processor's caches. */
const FEW = 4096;
/**
 * The most ids of one subject that are looked up here; for a subject that names more, the kills themselves are looked
 * up.
 */
const MOST = 64;

/**
 * Says of the agents, missions and runs that a subject names either that none of them is killed, or that one may be.
 * The map of a million kills would need several reads of main memory for each id, one after the other, to find that it
 * is not there (nearly every answer); this filter needs about the time of one read for all of them.
 */
export class KillFilter {
  /** At least 16 bits for each kill; null while there are too few kills to need a filter. */
  #words: Uint32Array | null = null;
  #room = FEW;
  readonly #hashes = new Int32Array(MOST);

  /**
   * Adds an id that has been killed; with it there are `count` ids, which `all` lists. An id that is revived stays in
   * until the filter is full and is made anew: till then its look-ups also go to the kills, and are answered rightly.
   */
  add(id: string, all: () => Iterable<string>, count: number): void {
    this.#room -= 1;
    if (this.#room > 0) {
      if (this.#words) put(this.#words, hash(id));
      return;
    }
    this.#room = Math.max(FEW, count);
    this.#words = count < FEW ? null : new Uint32Array(2 ** Math.ceil(Math.log2((count + this.#room) / 2)));
    if (this.#words) for (const one of all()) put(this.#words, hash(one));
  }

  /** False when no id of the subject or its lineage is killed; true when one may be. */
  mayName(subject: Subject): boolean {
    const words = this.#words;
    if (words === null) return true;
    let count = 0;
    // First every hash, then every look-up, with one branch at the end: so the processor reads memory for all of them
    // at once.
    if (subject.agentId !== undefined) count = this.#hash(count, subject.agentId);
    if (subject.missionId !== undefined) count = this.#hash(count, subject.missionId);
    if (subject.runId !== undefined) count = this.#hash(count, subject.runId);
    if (subject.lineageAgents) count = this.#hashAll(count, subject.lineageAgents);
    if (subject.lineageMissions) count = this.#hashAll(count, subject.lineageMissions);
    if (subject.lineageRuns) count = this.#hashAll(count, subject.lineageRuns);
    if (count > MOST) return true;
    let found = 0;
    for (let index = 0; index < count; index += 1) found |= look(words, this.#hashes[index] ?? 0);
    return found !== 0;
  }

  #hash(count: number, id: string): number {
    if (count < MOST) this.#hashes[count] = hash(id);
    return count + 1;
  }

  #hashAll(count: number, ids: readonly string[]): number {
    let next = count;
    for (const id of ids) next = this.#hash(next, id);
    return next;
  }
}

/**
 * A number from an id's length, its first four and its last eight characters: ids mostly differ there, and long ids
 * cost no more than short ones.
 */
function hash(id: string): number {
  const { length } = id;
  let value = length;
  const first = length < 12 ? length : 4;
  for (let at = 0; at < first; at += 1) value = Math.imul(value ^ id.charCodeAt(at), 0x01000193);
  if (length >= 12) {
    for (let at = length - 8; at < length; at += 1) value = Math.imul(value ^ id.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return value ^ (value >>> 13);
}

// A split block Bloom filter: an id has one bit in each of the eight words of its block, and a block is within one line
// of the cache. A shift takes the last five bits of its number. The low bits of the hash choose the block, so the bits
// within it are taken from the high ones.
const WORDS = 8;
const blockOf = (words: Uint32Array, hashed: number): number => (hashed & (words.length / WORDS - 1)) * WORDS;
const lowBits = (hashed: number): number => Math.imul(hashed ^ (hashed >>> 16), 0x9e3779b1) >>> 12;
const highBits = (hashed: number): number => Math.imul(hashed ^ (hashed >>> 16), 0x85ebca6b) >>> 12;

function put(words: Uint32Array, hashed: number): void {
  const at = blockOf(words, hashed);
  for (let word = 0; word < WORDS; word += 1) {
    const bits = word < 4 ? lowBits(hashed) >>> (5 * word) : highBits(hashed) >>> (5 * (word - 4));
    words[at + word] = (words[at + word] ?? 0) | (1 << bits);
  }
}

/** 1 when the id may be in, else 0; without a branch. */
function look(words: Uint32Array, hashed: number): number {
  const at = blockOf(words, hashed);
  const [low, high] = [lowBits(hashed), highBits(hashed)];
  const word = (index: number): number => words[at + index] ?? 0;
  return (
    (word(0) >>> low) &
    (word(1) >>> (low >>> 5)) &
    (word(2) >>> (low >>> 10)) &
    (word(3) >>> (low >>> 15)) &
    (word(4) >>> high) &
    (word(5) >>> (high >>> 5)) &
    (word(6) >>> (high >>> 10)) &
    (word(7) >>> (high >>> 15)) &
    1
  );
}

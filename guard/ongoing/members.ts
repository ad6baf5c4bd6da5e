import { types } from 'node:util';
import { ActionResultError } from '../errors.ts';
import { isPlain } from '../plain.ts';
import { copyOf } from './copy.ts';

/**
 * After so many members in a row that cannot act, the rest counts as data. A list of promises is searched to its end, a
 * list of a million numbers is not.
 */
const MAX_IDLE = 10_000;

/** Members that are nested more deeply count as data. */
const MAX_DEPTH = 100;

/** Longer collections are searched last: they are likely to be data, and would use up MAX_IDLE. */
const LONG = 1000;

/** True for objects and functions: a number or a text cannot act. */
export const mayGoOn = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/** True for a Map or a Set itself, also of another realm. An instance of a subclass may keep its members elsewhere. */
const isCollection = (value: object): boolean =>
  (types.isMap(value) || types.isSet(value)) && isPlain(Object.getPrototypeOf(value));

/** True for objects whose members can be seen, and be replaced in a copy. */
const isOpen = (value: object): boolean => isPlain(value) || isCollection(value);

const isLong = (value: object): boolean =>
  (Array.isArray(value) ? value.length : types.isMap(value) || types.isSet(value) ? value.size : 0) > LONG;

/** Returns what to put in place of a value; undefined for a value that cannot act. */
export type HoldOne = (value: object) => unknown;

/**
 * Holds a result and, recursively, its members. Returns the same object where nothing has to be replaced, else a copy.
 * No getter is run. An error that `hold` throws is thrown after all others have been held.
 * @throws ActionResultError
 */
export function holdWhole(result: object, hold: HoldOne, action: string): unknown {
  if (!isOpen(result)) return hold(result) ?? result;
  const walk = new Walk(hold, action);
  const held = walk.open(result, 0);
  if (walk.refused) throw walk.refused[0];
  return held;
}

class Walk {
  readonly #hold: HoldOne;
  readonly #action: string;
  refused: unknown[] | undefined;
  #idle = 0;
  /** What to put in place of each object that has been searched: often the object itself. */
  readonly #done = new Map<unknown, unknown>();
  /** The objects that are being searched, and whether each has turned up inside itself. */
  readonly #path = new Map<object, boolean>();

  /**
   * What the last search of one object has found: members with members of their own (long ones apart), and whether any
   * other is to be replaced.
   */
  #found: object[] | undefined;
  #long: object[] | undefined;
  #isReplaced = false;

  constructor(hold: HoldOne, action: string) {
    this.#hold = hold;
    this.#action = action;
  }

  /** Holds the members first, then the object, so that it acts with the held members. */
  open(source: object, depth: number): unknown {
    const inner = this.#look(source);
    let isChanged = this.#isReplaced;
    if (!inner && !isChanged) return this.#put(source, source);
    this.#path.set(source, false);
    for (const member of inner ?? []) {
      if (this.#path.has(member)) this.#path.set(member, true);
      else if (!this.#done.has(member) && depth < MAX_DEPTH && this.#idle < MAX_IDLE) this.open(member, depth + 1);
      if ((this.#done.get(member) ?? member) !== member) isChanged = true;
    }
    const whole = isChanged ? copyOf(source, (member) => this.#done.get(member) ?? member) : source;
    const held = this.#put(source, whole);
    if (held !== source && this.#path.get(source)) {
      const problem =
        'contains itself and something that goes on, so nothing can be put in its place: return only what the caller needs of it';
      this.#refuse(new ActionResultError(this.#action, problem));
    }
    this.#path.delete(source);
    this.#done.set(source, held);
    return held;
  }

  #put(source: object, whole: object): unknown {
    const held = this.#one(whole) ?? whole;
    if (held !== source) this.#done.set(source, held);
    return held;
  }

  /** Holds the members that have no visible members of their own; returns the others. */
  #look(source: object): object[] | undefined {
    this.#found = undefined;
    this.#long = undefined;
    this.#isReplaced = false;
    const symbols = Object.getOwnPropertySymbols(source); // symbols and names apart: faster than Reflect.ownKeys
    if (symbols.length > 0) this.#lookAt(source, symbols);
    if (Array.isArray(source)) this.#lookAtList(source);
    else {
      if (types.isMap(source)) this.#lookInto(Map.prototype.entries.call(source));
      else if (types.isSet(source)) this.#lookInto(Set.prototype.entries.call(source));
      this.#lookAt(source, Object.getOwnPropertyNames(source));
    }
    return this.#long ? [...(this.#found ?? []), ...this.#long] : this.#found;
  }

  /** Reads data properties only: a getter is code of the application. */
  #lookAt(source: object, keys: readonly PropertyKey[]): void {
    for (const key of keys) {
      if (this.#idle >= MAX_IDLE) return;
      this.#idle += 1;
      const member: unknown = Object.getOwnPropertyDescriptor(source, key)?.value;
      if (mayGoOn(member)) this.#meet(member);
    }
  }

  #lookAtList(source: readonly unknown[]): void {
    const { length } = source;
    // Listing the names of a long array would take longer than searching its elements.
    const names = length > MAX_IDLE ? [] : Object.getOwnPropertyNames(source);
    const hasMore = names.length > 0 && (names.length !== length + 1 || names[length] !== 'length');
    if (hasMore) return this.#lookAt(source, names);
    for (let index = 0; index < length && this.#idle < MAX_IDLE; index += 1) {
      this.#idle += 1;
      const member: unknown = Object.getOwnPropertyDescriptor(source, index)?.value;
      if (mayGoOn(member)) this.#meet(member);
    }
  }

  /** The entries of a Set name each member twice. */
  #lookInto(entries: Iterable<readonly [unknown, unknown]>): void {
    for (const entry of entries) {
      if (this.#idle >= MAX_IDLE) return;
      this.#idle += 1;
      if (mayGoOn(entry[0])) this.#meet(entry[0]);
      if (entry[1] !== entry[0] && mayGoOn(entry[1])) this.#meet(entry[1]);
    }
  }

  #meet(member: object): void {
    if (isOpen(member)) {
      if (isLong(member)) (this.#long ??= []).push(member);
      else (this.#found ??= []).push(member);
      return;
    }
    const held = this.#done.get(member) ?? this.#one(member);
    if (held === undefined) return;
    this.#done.set(member, held);
    if (held !== member) this.#isReplaced = true;
    this.#idle = 0;
  }

  #one(value: object): unknown {
    try {
      return this.#hold(value);
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  #refuse(error: unknown): void {
    this.refused ??= [];
    this.refused.push(error);
  }
}

import { hash } from 'node:crypto';
import { types } from 'node:util';
import { canonicalize } from 'json-canonicalize';
import { quoteId } from '../flags/index.ts';
import { ActionInputError } from './errors.ts';

/** How deep an input may be nested. */
export const MAX_DEPTH = 100;
/** How many values an input may hold, in all. */
export const MAX_VALUES = 100_000;
/** The longest input, in characters of JSON. */
export const MAX_LENGTH = 1_048_576;

/**
 * An input as the text that was hashed. Whoever needs the input reads the text: what anybody does to the object that
 * was given, or to what was read before, changes nothing.
 */
export interface PlainInput {
  /** As JSON, with its members in the order in which they were given; undefined for a call without an input. */
  readonly text: string | undefined;
  /** SHA-256 of its canonical JSON (RFC 8785), in hex. A call without an input has that of `null`. */
  readonly hash: string;
}

/** The hash of an input that was kept as JSON; null: there was none. */
export const inputHashOf = (text: string | null): string =>
  hash('sha256', canonicalize(text === null ? null : JSON.parse(text)), 'hex');

/**
 * Reads an input that has to be hashed: JSON values, plain objects and arrays. Runs no code of the application. A
 * member that is undefined is left out, as in JSON. -0 is refused, which JSON would make 0 of: what runs is what was
 * given, and what a limit or a person has seen.
 * @throws ActionInputError NOT_PLAIN_DATA
 */
export function readPlain(action: string, input: unknown): PlainInput {
  const { copy, text } = readJson(action, input, 'refused');
  return { text, hash: hash('sha256', canonicalize(copy ?? null), 'hex') };
}

/**
 * The text of what an effect has left, by the same rules; but -0 is 0, as in JSON, since nothing can be refused any
 * more.
 * @throws ActionInputError NOT_PLAIN_DATA
 */
export const plainText = (action: string, left: unknown): string | undefined => readJson(action, left, 'as 0').text;

function readJson(action: string, given: unknown, minusZero: 'refused' | 'as 0') {
  try {
    const copy = given === undefined ? undefined : new Copying(minusZero).copy(given, [], 0);
    const text = copy === undefined ? undefined : JSON.stringify(copy);
    if (text !== undefined && text.length > MAX_LENGTH)
      throw new Refused([], `has ${text.length} characters of JSON, more than ${MAX_LENGTH}`);
    return { copy, text };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new ActionInputError(action, [{ path: error.path.join('.'), message: error.message }], 'NOT_PLAIN_DATA');
  }
}

/** The input, made anew of its text each time. */
export const inputOf = ({ text }: PlainInput): unknown => (text === undefined ? undefined : JSON.parse(text));

type Path = readonly (string | number)[];

class Refused extends Error {
  readonly path: Path;

  constructor(path: Path, problem: string) {
    super(problem);
    this.path = path;
  }
}

/** One copying, with what it may still take. */
class Copying {
  readonly #minusZero: 'refused' | 'as 0';
  #values = 0;
  #characters = 0;

  constructor(minusZero: 'refused' | 'as 0') {
    this.#minusZero = minusZero;
  }

  copy(value: unknown, path: Path, depth: number): unknown {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw new Refused(path, `holds more than ${MAX_VALUES} values`);
    switch (typeof value) {
      case 'string':
        return this.#text(value, path);
      case 'number':
        return this.#number(value, path);
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#object(value, path, depth);
      case 'undefined':
        throw new Refused(path, 'is undefined');
      case 'bigint':
        throw new Refused(path, `is the BigInt ${quoteId(`${value}`)}: give it as a text`);
      case 'function':
      case 'symbol':
        throw new Refused(path, `is a ${typeof value}`);
    }
  }

  #number(value: number, path: Path): number {
    if (!Number.isFinite(value)) throw new Refused(path, `is ${value}`);
    if (!Object.is(value, -0)) return value;
    if (this.#minusZero === 'refused') throw new Refused(path, 'is -0: give 0');
    return 0;
  }

  #text(text: string, path: Path): string {
    this.#characters += text.length;
    if (this.#characters > MAX_LENGTH) throw new Refused(path, `has more than ${MAX_LENGTH} characters`);
    if (!text.isWellFormed()) throw new Refused(path, 'is a text with half a character (a lone surrogate)');
    return text;
  }

  #object(object: object, path: Path, depth: number): unknown {
    if (depth >= MAX_DEPTH) throw new Refused(path, `is nested more than ${MAX_DEPTH} deep`);
    if (types.isProxy(object)) throw new Refused(path, 'is a proxy');
    if (Array.isArray(object)) return this.#list(object, path, depth);
    const what = unplain(object);
    if (what !== null) throw new Refused(path, `is ${what}`);
    const copy: Record<string, unknown> = {};
    for (const key of Reflect.ownKeys(object)) {
      if (typeof key === 'symbol') throw new Refused(path, 'has a member whose name is a symbol');
      const value = this.#member(object, this.#text(key, [...path, key]), path);
      if (value === undefined) continue;
      // not by `=`: a member of the name __proto__ is one like any other
      const own = { value: this.copy(value, [...path, key], depth + 1), enumerable: true };
      Object.defineProperty(copy, key, { ...own, writable: true, configurable: true });
    }
    return copy;
  }

  #list(list: readonly unknown[], path: Path, depth: number): unknown[] {
    if (!isPlainPrototype(list, 'copyWithin')) throw new Refused(path, 'is a list of a class of its own');
    if (list.length > MAX_VALUES) throw new Refused(path, `holds more than ${MAX_VALUES} values`);
    const extra = Reflect.ownKeys(list).length - 1 - list.length; // `length` itself is a key
    if (extra !== 0) throw new Refused(path, extra < 0 ? 'is a list with gaps' : 'is a list with members of its own');
    return Array.from({ length: list.length }, (_, index) =>
      this.copy(this.#member(list, `${index}`, path), [...path, index], depth + 1),
    );
  }

  /** The value of a member, which is read and not run. */
  #member(holder: object, key: string, path: Path): unknown {
    const property = Object.getOwnPropertyDescriptor(holder, key);
    if (!property || !('value' in property)) throw new Refused([...path, key], 'is a getter');
    if (property.enumerable !== true) throw new Refused([...path, key], 'is hidden (not enumerable)');
    return property.value;
  }
}

/** What an object is that is no plain one; null for a plain one, also of another realm. */
export function unplain(object: object): string | null {
  for (const [is, what] of KINDS) if (is(object)) return what;
  return Object.getPrototypeOf(object) === null || isPlainPrototype(object, 'isPrototypeOf')
    ? null
    : 'an instance of a class';
}

const KINDS: ReadonlyArray<readonly [(value: object) => boolean, string]> = [
  [types.isDate, 'a Date: give it as a text'],
  [types.isMap, 'a Map'],
  [types.isSet, 'a Set'],
  [types.isPromise, 'a promise: await it first'],
  [types.isRegExp, 'a regular expression'],
  [types.isNativeError, 'an Error'],
  [(value) => ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value), 'binary data: give it as a text'],
  [types.isBoxedPrimitive, 'an object of a text, a number or the like: give the value itself'],
];

/** Whether its class is the language's own, also in another realm: by a member that the prototype has itself. */
export function isPlainPrototype(object: object, member: string): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (typeof prototype !== 'object' || prototype === null || types.isProxy(prototype)) return false;
  if (!Object.hasOwn(prototype, member) || !Object.hasOwn(prototype, 'constructor')) return false;
  const above: unknown = Object.getPrototypeOf(prototype);
  return Array.isArray(object) ? above !== null && Object.getPrototypeOf(above) === null : above === null;
}

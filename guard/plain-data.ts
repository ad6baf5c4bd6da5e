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
 * What an effect has left, copied by the same rules, and its text; but -0 is 0, as in JSON, since nothing can be
 * refused any more.
 * @throws ActionInputError NOT_PLAIN_DATA
 */
export const readLeft = (
  action: string,
  left: unknown,
): { readonly copy: unknown; readonly text: string | undefined } => readJson(action, left, 'as 0');

function readJson(action: string, given: unknown, minusZero: 'refused' | 'as 0') {
  try {
    const copy = given === undefined ? undefined : new Copying(minusZero).copy(given);
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

type Path = readonly string[];

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
  /** Where it is: the members from the top down. */
  readonly #path: string[] = [];
  #values = 0;
  #characters = 0;

  constructor(minusZero: 'refused' | 'as 0') {
    this.#minusZero = minusZero;
  }

  copy(value: unknown): unknown {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw this.#refused(`holds more than ${MAX_VALUES} values`);
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return this.#number(value);
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#object(value);
      case 'undefined':
        throw this.#refused('is undefined');
      case 'bigint':
        throw this.#refused(`is the BigInt ${quoteId(`${value}`)}: give it as a text`);
      case 'function':
      case 'symbol':
        throw this.#refused(`is a ${typeof value}`);
    }
  }

  #refused(problem: string): Refused {
    return new Refused([...this.#path], problem);
  }

  #number(value: number): number {
    if (!Number.isFinite(value)) throw this.#refused(`is ${value}`);
    if (!Object.is(value, -0)) return value;
    if (this.#minusZero === 'refused') throw this.#refused('is -0: give 0');
    return 0;
  }

  #text(text: string): string {
    this.#characters += text.length;
    if (this.#characters > MAX_LENGTH) throw this.#refused(`has more than ${MAX_LENGTH} characters`);
    if (!text.isWellFormed()) throw this.#refused('is a text with half a character (a lone surrogate)');
    return text;
  }

  #object(object: object): unknown {
    if (this.#path.length >= MAX_DEPTH) throw this.#refused(`is nested more than ${MAX_DEPTH} deep`);
    if (types.isProxy(object)) throw this.#refused('is a proxy');
    if (Array.isArray(object)) return this.#list(object);
    const what = unplain(object);
    if (what !== null) throw this.#refused(`is ${what}`);
    const copy: Record<string, unknown> = {};
    for (const key of Reflect.ownKeys(object)) {
      if (typeof key === 'symbol') throw this.#refused('has a member whose name is a symbol');
      this.#path.push(key);
      this.#text(key);
      const value = this.#member(object, key);
      if (value !== undefined) put(copy, key, { value: this.copy(value), enumerable: true });
      this.#path.pop();
    }
    return copy;
  }

  #list(list: readonly unknown[]): unknown[] {
    if (!isPlainPrototype(list, 'copyWithin')) throw this.#refused('is a list of a class of its own');
    if (list.length > MAX_VALUES) throw this.#refused(`holds more than ${MAX_VALUES} values`);
    const extra = Reflect.ownKeys(list).length - 1 - list.length; // `length` itself is a key
    if (extra !== 0) throw this.#refused(extra < 0 ? 'is a list with gaps' : 'is a list with members of its own');
    return Array.from({ length: list.length }, (_, index) => {
      this.#path.push(`${index}`);
      const copy = this.copy(this.#member(list, `${index}`));
      this.#path.pop();
      return copy;
    });
  }

  /** The value of the member at the path's end, which is read and not run. */
  #member(holder: object, key: string): unknown {
    const property = Object.getOwnPropertyDescriptor(holder, key);
    if (!property || !('value' in property)) throw this.#refused('is a getter');
    if (property.enumerable !== true) throw this.#refused('is hidden (not enumerable)');
    return property.value;
  }
}

/** Sets a member, whatever its name is and whatever the prototype has by that name: `__proto__`, `toString`. */
export function put(copy: object, key: string | symbol, { enumerable = false, value }: PropertyDescriptor): void {
  // Nearly all members, and faster.
  if (enumerable && !(key in copy)) Reflect.set(copy, key, value);
  else if (key === 'length' && Array.isArray(copy)) copy.length = Number(value);
  else Object.defineProperty(copy, key, { enumerable, value, writable: true, configurable: true });
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

import { types } from 'node:util';
import { ActionInputError } from './errors.ts';
import { isPlainPrototype, MAX_DEPTH, put, unplain } from './plain-data.ts';

/** How many members one input may have in all, so that copying it takes no more than a moment. */
const MAX_COPIED = 250_000;

/**
 * The data of an input, as a copy of its own: plain objects, lists, Dates, Maps and Sets, however nested and shared.
 * Binary data is seen by a view of its own on the same bytes. What else is in it (an instance of a class, a stream, a
 * function) stays the caller's own object. Runs no code of the application.
 * @throws ActionInputError NOT_PLAIN_DATA for a getter or a proxy, which could give another value each time, and for an
 * input that is too large or too deep to be copied
 */
export function ownCopy<Input>(action: string, input: Input): Input {
  try {
    return copyOf(input);
  } catch (error) {
    if (!(error instanceof Uncopied)) throw error;
    throw new ActionInputError(action, [{ path: error.path.join('.'), message: error.message }], 'NOT_PLAIN_DATA');
  }
}

/** The same for an input that a schema has still to read. One that cannot be copied stays the caller's own. */
export function looseCopy<Input>(input: Input): Input {
  try {
    return copyOf(input);
  } catch (error) {
    if (error instanceof Uncopied) return input;
    throw error;
  }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy has the type of what it is a copy of
const copyOf = <Input>(input: Input): Input => new Copying().copy(input) as Input;

interface ViewConstructor {
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView;
}

/** The views of the language and of Node, each by its prototype. */
const VIEWS: ReadonlyMap<object, ViewConstructor> = new Map<object, ViewConstructor>(
  [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView],
  ].map((View: ViewConstructor) => [View.prototype, View]),
).set(Buffer.prototype, Uint8Array);

const OF_TYPED_ARRAYS: object = Object.getPrototypeOf(Uint8Array.prototype);

/** Where the bytes of a view are, asked by the language's own getters: the view may have others of these names. */
function bytesOf(view: object) {
  const of = types.isDataView(view) ? DataView.prototype : OF_TYPED_ARRAYS;
  const part = (name: string): unknown => Reflect.get(of, name, view);
  try {
    return {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what every view has
      buffer: part('buffer') as ArrayBuffer,
      byteOffset: Number(part('byteOffset')),
      byteLength: Number(part('byteLength')),
    };
  } catch {
    return { buffer: new ArrayBuffer(0), byteOffset: 0, byteLength: 0 }; // its bytes were given away
  }
}

class Uncopied extends Error {
  readonly path: readonly string[];

  constructor(path: readonly string[], problem: string) {
    super(problem);
    this.path = path;
  }
}

/** One copying. It keeps what it has copied, so that what is shared stays shared, and a circle becomes one. */
class Copying {
  readonly #made = new Map<object, unknown>();
  /** Where it is in the input. */
  readonly #path: Array<string | symbol> = [];
  #copied = 0;

  copy(value: unknown): unknown {
    if (typeof value === 'function') return this.#instance(value);
    if (typeof value !== 'object' || value === null) return value;
    return this.#made.get(value) ?? this.#object(value);
  }

  #object(object: object): unknown {
    if (types.isProxy(object)) throw this.#uncopied('is a proxy');
    if (this.#path.length >= MAX_DEPTH) throw this.#uncopied(`is nested more than ${MAX_DEPTH} deep`);
    if (Array.isArray(object))
      return isPlainPrototype(object, 'copyWithin') ? this.#members(object, []) : this.#instance(object);
    if (unplain(object) === null) {
      // Never the prototype of the object itself: it may only look like that of another realm, and have getters.
      return this.#members(object, Object.getPrototypeOf(object) === null ? Object.create(null) : {});
    }
    if (types.isDate(object) && isOf(object, Date)) return new Date(Date.prototype.getTime.call(object));
    if (types.isMap(object) && isOf(object, Map)) return this.#map(object);
    if (types.isSet(object) && isOf(object, Set)) return this.#set(object);
    const View = ArrayBuffer.isView(object) ? VIEWS.get(Object.getPrototypeOf(object)) : undefined;
    if (View) return this.#view(object, View);
    return this.#instance(object);
  }

  #members(object: object, copy: object): object {
    this.#made.set(object, copy);
    for (const key of Reflect.ownKeys(object)) {
      const { enumerable = false, value } = this.#property(object, key);
      put(copy, key, { enumerable, value: this.#within(key, value) });
    }
    return copy;
  }

  #map(map: ReadonlyMap<unknown, unknown>): unknown {
    const copy = new Map<unknown, unknown>();
    this.#made.set(map, copy);
    for (const [key, value] of Map.prototype.entries.call(map)) {
      this.#count();
      copy.set(this.#within('(key)', key), this.#within('(value)', value));
    }
    return copy;
  }

  #set(set: ReadonlySet<unknown>): unknown {
    const copy = new Set<unknown>();
    this.#made.set(set, copy);
    for (const value of Set.prototype.values.call(set)) {
      this.#count();
      copy.add(this.#within('(member)', value));
    }
    return copy;
  }

  /** Another view of the same bytes, without what was added to this one: to list its members takes long. */
  #view(view: object, View: ViewConstructor): unknown {
    const { buffer, byteOffset, byteLength } = bytesOf(view);
    if (byteLength === 0) return this.#instance(view);
    const copy = new View(buffer, byteOffset, byteLength / (View.BYTES_PER_ELEMENT ?? 1));
    Object.setPrototypeOf(copy, Object.getPrototypeOf(view));
    this.#made.set(view, copy);
    return copy;
  }

  #within(key: string | symbol, value: unknown): unknown {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
    this.#path.push(key);
    const copy = this.copy(value);
    this.#path.pop();
    return copy;
  }

  /** Stays the caller's own. What the getters of a class give is that class's word; other getters are nobody's. */
  #instance(object: object): object {
    // A view of a class of its own: a list of its members, one for each element, takes long to make.
    if (ArrayBuffer.isView(object)) this.#count(bytesOf(object).byteLength);
    for (let at: unknown = object; isObject(at); at = Object.getPrototypeOf(at)) {
      if (types.isProxy(at)) throw this.#uncopied('is a proxy');
      if (at !== object && Object.hasOwn(at, 'constructor')) break; // the prototype of a class
      for (const key of Reflect.ownKeys(at)) if (!isOwnStack(at, key)) this.#property(at, key);
    }
    return object;
  }

  /** A member that holds a value. A getter is not run. */
  #property(object: object, key: string | symbol): PropertyDescriptor {
    this.#count();
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property && 'value' in property) return property;
    this.#path.push(key);
    throw this.#uncopied('is a getter');
  }

  #count(values = 1): void {
    this.#copied += values;
    if (this.#copied > MAX_COPIED) throw this.#uncopied(`holds more than ${MAX_COPIED} values`);
  }

  #uncopied(problem: string): Uncopied {
    return new Uncopied(this.#path.map(String), problem);
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

const stackOf = (error: object): unknown => Object.getOwnPropertyDescriptor(error, 'stack')?.get;
const STACK = stackOf(new Error('for its getter'));

/** Newer runtimes give every Error the same getter for its stack. */
const isOwnStack = (object: object, key: string | symbol): boolean =>
  key === 'stack' && STACK !== undefined && types.isNativeError(object) && stackOf(object) === STACK;

/** Whether it is of this very class, and has no members of its own, which a copy would not have. */
const isOf = (object: object, { prototype }: { readonly prototype: object }): boolean =>
  Object.getPrototypeOf(object) === prototype && Reflect.ownKeys(object).length === 0;

import { types } from 'node:util';

// Objects of the application are read without running its code: no getter, no proxy, no method that it has replaced.

/** What an object holds. `size`: how many there are at least. */
export type Contents =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'list'; readonly items: Iterable<unknown>; readonly size: number }
  | { readonly is: 'members'; readonly members: Iterable<readonly [unknown, unknown]>; readonly size: number };

/** The text that stands for an object that is not looked into; null for one that is. */
export function standIn(value: object): string | null {
  if (types.isProxy(value)) return '[proxy]';
  if (types.isDate(value)) return dateText(value);
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) ? `[${value.byteLength} bytes]` : null;
}

/** What a `String` or `Number` object holds; null for any other. */
export function unboxed(value: object): string | number | null {
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value);
  return types.isNumberObject(value) ? Number.prototype.valueOf.call(value) : null;
}

/** @throws where an object only pretends to be of a class */
export function contentsOf(value: object): Contents {
  if (Array.isArray(value)) return { is: 'list', items: elementsOf(value), size: value.length };
  if (types.isSet(value)) return { is: 'list', items: Set.prototype.values.call(value), size: sizeOf(Set, value) };
  if (types.isMap(value)) return members(Map.prototype.entries.call(value), sizeOf(Map, value));
  const prototype: unknown = Object.getPrototypeOf(value);
  // `instanceof` is for the compiler: by itself it would ask a proxy further up for its prototype.
  if (prototype === URL.prototype) return { is: 'text', text: URL.prototype.toString.call(value) };
  if (prototype === URLSearchParams.prototype && value instanceof URLSearchParams)
    return members(URLSearchParams.prototype.entries.call(value), 0);
  if (prototype === Headers.prototype && value instanceof Headers)
    return members(Headers.prototype.entries.call(value), 0);
  const keys = Object.keys(value);
  if (types.isNativeError(value)) keys.unshift('message'); // which is not enumerable
  return members(membersOf(value, keys), keys.length);
}

const members = (of: Iterable<readonly [unknown, unknown]>, size: number): Contents => ({
  is: 'members',
  members: of,
  size,
});

const sizeOf = (kind: MapConstructor | SetConstructor, value: object): number =>
  Reflect.get(kind.prototype, 'size', value);

const dateText = (date: Date): string => {
  const time = Date.prototype.getTime.call(date);
  return Number.isNaN(time) ? 'Invalid Date' : new Date(time).toISOString();
};

/** The value of a property, without running a getter. */
const read = (holder: object, key: PropertyKey): unknown => {
  const property = Object.getOwnPropertyDescriptor(holder, key);
  return property && !('value' in property) ? '[getter]' : property?.value;
};

function* elementsOf(list: readonly unknown[]): Generator<unknown> {
  for (let index = 0; index < list.length; index += 1) yield read(list, index);
}

function* membersOf(holder: object, keys: readonly string[]): Generator<readonly [string, unknown]> {
  for (const key of keys) yield [key, read(holder, key)];
}

/** The key of a member. A key that only code of the application could convert to a text gets a number instead. */
export const nameOf = (key: unknown, place: number): string =>
  typeof key === 'string' ? key : typeof key === 'number' || typeof key === 'bigint' ? `${key}` : `[key ${place}]`;

import { types } from 'node:util';

/** Returns what to put in place of a member; the member itself where it stays. */
export type MemberOf = (value: unknown, key?: PropertyKey) => unknown;

const itself: MemberOf = (value) => value;

/**
 * A copy with the same prototype and members, some of them replaced by `memberOf`. No getter is run; the copy of a
 * frozen object is not frozen.
 */
export function copyOf(source: object, memberOf = itself): object {
  const copy = blank(source);
  for (const key of Reflect.ownKeys(source)) {
    if (key === 'length' && Array.isArray(source)) continue;
    const found = Object.getOwnPropertyDescriptor(source, key);
    if (!found) continue; // a proxy named a key that it does not have
    const value = memberOf(found.value, key);
    const { enumerable = false } = found;
    const member = value === found.value ? found : { value, enumerable, writable: true };
    Object.defineProperty(copy, key, { ...member, configurable: true });
  }
  // Not by the source's own methods: those may be code of the application.
  if (types.isMap(source)) {
    const set = Map.prototype.set.bind(copy);
    Map.prototype.forEach.call(source, (value, key) => void set(memberOf(key), memberOf(value)));
  } else if (types.isSet(source)) {
    const add = Set.prototype.add.bind(copy);
    Set.prototype.forEach.call(source, (value) => void add(memberOf(value)));
  }
  return copy;
}

function blank(source: object): object {
  const prototype: object | null = Object.getPrototypeOf(source);
  const empty = emptyLike(source);
  return empty ? Object.setPrototypeOf(empty, prototype) : Object.create(prototype);
}

/** An empty object of a kind that a prototype alone cannot make: an array, a function, a Map, a Set. */
function emptyLike(source: object): object | undefined {
  if (Array.isArray(source)) return Array.from({ length: source.length });
  if (typeof source === 'function') return () => {};
  if (types.isMap(source)) return new Map();
  return types.isSet(source) ? new Set() : undefined;
}

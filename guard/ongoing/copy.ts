const NONE: ReadonlyMap<PropertyKey, unknown> = new Map();

/** Something of the same prototype and with the same members, but for those that are given. No getter is run, and what was frozen can be changed in the copy. */
export function copyOf<T extends object>(source: T, others = NONE): T {
  const copy = blank(source) as T;
  for (const key of Reflect.ownKeys(source)) {
    if (key === 'length' && Array.isArray(source)) continue;
    const found = Object.getOwnPropertyDescriptor(source, key) as PropertyDescriptor;
    Object.defineProperty(copy, key, {
      ...found,
      ...(others.has(key) ? { value: others.get(key) } : {}),
      configurable: true,
    });
  }
  return copy;
}

function blank(source: object): object {
  const prototype = Object.getPrototypeOf(source) as object | null;
  if (Array.isArray(source)) return Object.setPrototypeOf(Array.from({ length: source.length }), prototype) as object;
  return typeof source === 'function'
    ? (Object.setPrototypeOf(() => {}, prototype) as object)
    : (Object.create(prototype) as object);
}

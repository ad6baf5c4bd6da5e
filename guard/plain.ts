/** A plain object or an array, also one of another realm. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  if (typeof value === 'function') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A plain object or an array, also one of another realm. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  if (typeof value === 'function') return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

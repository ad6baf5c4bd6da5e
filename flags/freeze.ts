/**
 * The same value, frozen with all that it holds. For values that several callers share: user code that is given one
 * must not change it for the others. A value that is made anew for each caller need not be frozen.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/**
 * The same value, frozen with all that it holds: for what is shared. Whatever is handed to several of the user's
 * functions must not let one of them change what the others are told. (What is made anew for each caller is theirs, and
 * need not be frozen.)
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

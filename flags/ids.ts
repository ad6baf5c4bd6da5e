import { CONTROL } from './unseen.ts';

/** The longest id, in characters (Unicode code points). */
export const MAX_ID_LENGTH = 512;

const NOT_PLAIN = /[^ -)+-~]/;

/**
 * True for a name that has nothing to object to, as most have: printable ASCII without a `*`, not too long. It is asked
 * first, because every call gives several names; any other name may still be allowed.
 */
export const isPlainName = (name: unknown): boolean =>
  typeof name === 'string' && name !== '' && name.length <= MAX_ID_LENGTH && !NOT_PLAIN.test(name);

/**
 * Why this text cannot be given as an id; null when it can. A lone `*` is refused: it looks as if it meant everyone,
 * but would be one id like any other, so a kill of it would stop nobody.
 */
export function idProblem(id: unknown): string | null {
  if (isPlainName(id)) return null;
  return id === '*'
    ? 'must not be "*", which would be one id like any other (everything is the target "all")'
    : textProblem(id);
}

/**
 * Why this text cannot have been recorded as an id; null when it can. Here a `*` is allowed, so that a log of a version
 * that accepted it stays readable.
 */
export function textProblem(id: unknown): string | null {
  if (typeof id !== 'string') return `must be a string, not ${id === null ? 'null' : typeof id}`;
  if (id === '') return 'must not be empty';
  if (id.length > MAX_ID_LENGTH && [...id].length > MAX_ID_LENGTH)
    return `must have at most ${MAX_ID_LENGTH} characters, not ${[...id].length}`;
  if (CONTROL.test(id)) return 'must not contain control characters';
  if (!id.isWellFormed()) return 'must be well-formed Unicode (it has half of a surrogate pair)';
  return null;
}

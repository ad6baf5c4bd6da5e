import { closest } from './closest.ts';
import { invalid } from './errors.ts';
import { quoteId } from './printable.ts';

/**
 * The keys that an options object may have; the compiler sees to it that none is missing. A list instead of `true`
 * holds other names that people use for that key.
 */
export type Keys<Options> = Readonly<Record<keyof Options, true | readonly string[]>>;

/** What is wrong with the keys of an options object, with the key that was probably meant; null when all are known. */
export function keyProblem<Options extends object>(
  what: string,
  options: Options,
  known: Keys<Options>,
): string | null {
  if (typeof options !== 'object' || options === null)
    return `The options of ${what} are an object, not ${quoteId(options)}.`;
  for (const key in options) {
    if (Object.hasOwn(known, key) || !Object.hasOwn(options, key)) continue;
    const meant = meantBy(key, known);
    const help =
      meant === undefined ? `There are: ${Object.keys(known).join(', ')}.` : `Did you mean ${quoteId(meant)}?`;
    return `There is no option ${quoteId(key)} of ${what} in this version. ${help}`;
  }
  return null;
}

/** The key that was probably meant, or undefined. */
export function meantBy<Options extends object>(key: string, known: Keys<Options>): string | undefined {
  const also = Object.entries<true | readonly string[]>(known).find(
    ([, names]) => names !== true && names.includes(key),
  );
  return also?.[0] ?? closest(key, Object.keys(known));
}

/**
 * Refuses an unknown key: otherwise a mistyped `irreversible` or `agentId` would be ignored, and nobody would notice.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkKeys<Options extends object>(what: string, options: Options, known: Keys<Options>): void {
  const problem = keyProblem(what, options, known);
  if (problem !== null) throw invalid(problem);
}

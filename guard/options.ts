import { closest } from '../flags/closest.ts';
import { invalid, quoteId } from '../flags/index.ts';
import { isPlain } from './plain.ts';

/** The keys that an options object may have, each once: the compiler sees to it that none is missing. */
export type Keys<Options> = Readonly<Record<keyof Options, true>>;

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
    const names = Object.keys(known);
    const meant = closest(key, names);
    const help = meant === undefined ? `There are: ${names.join(', ')}.` : `Did you mean ${quoteId(meant)}?`;
    return `There is no option ${quoteId(key)} of ${what} in this version. ${help}`;
  }
  return null;
}

/**
 * A key that means nothing is refused: whoever mistypes `irreversible` or `agentId` would get less than they asked for, and never know.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkKeys<Options extends object>(what: string, options: Options, known: Keys<Options>): void {
  const problem = keyProblem(what, options, known);
  if (problem !== null) throw invalid(problem);
}

/**
 * The same where an object of a class will do: what else the class has is its own matter, but for what is nearly an option, its own or inherited.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkMembers<Options extends object>(what: string, options: Options, known: Keys<Options>): void {
  if (typeof options !== 'object' || options === null || isPlain(options)) return checkKeys(what, options, known);
  const names = Object.keys(known);
  // Up to what all objects have, which is nobody's option.
  for (let at: object = options; Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at)) {
    for (const key of Object.getOwnPropertyNames(at)) {
      const meant = Object.hasOwn(known, key) ? undefined : closest(key, names);
      if (meant !== undefined)
        throw invalid(`There is no option ${quoteId(key)} of ${what} in this version. Did you mean ${quoteId(meant)}?`);
    }
  }
}

import { invalid } from '../flags/index.ts';
import { checkKeys, type Keys, nearMissProblem, readable, readKeys } from '../flags/options.ts';
import { isPlain } from './plain.ts';

/**
 * `checkKeys` for options that may be an instance of a class. Other members of the class are allowed, unless their name
 * is nearly that of an option (own or inherited). Returns the options, each read once.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkMembers<Options extends object>(what: string, options: Options, known: Keys<Options>): Options {
  if (typeof options !== 'object' || options === null || isPlain(options)) return checkKeys(what, options, known);
  return readable(`The options of ${what}`, () => {
    // Stops at Object.prototype: its members are no options.
    for (let at: object = options; Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at)) {
      const problem = nearMissProblem(what, Object.getOwnPropertyNames(at), known);
      if (problem !== null) throw invalid(problem);
    }
    return readKeys(options, known);
  });
}

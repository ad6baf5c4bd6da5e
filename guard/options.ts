import { invalid, quoteId } from '../flags/index.ts';
import { checkKeys, type Keys, meantBy } from '../flags/options.ts';
import { isPlain } from './plain.ts';

/**
 * `checkKeys` for options that may be an instance of a class. Other members of the class are allowed, unless their name
 * is nearly that of an option (own or inherited).
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkMembers<Options extends object>(what: string, options: Options, known: Keys<Options>): void {
  if (typeof options !== 'object' || options === null || isPlain(options)) return checkKeys(what, options, known);
  // Stops at Object.prototype: its members are no options.
  for (let at: object = options; Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at)) {
    for (const key of Object.getOwnPropertyNames(at)) {
      const meant = Object.hasOwn(known, key) ? undefined : meantBy(key, known);
      if (meant !== undefined)
        throw invalid(`There is no option ${quoteId(key)} of ${what} in this version. Did you mean ${quoteId(meant)}?`);
    }
  }
}

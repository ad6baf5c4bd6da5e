import { invalid, quoteId } from '../flags/index.ts';
import { checkKeys, type Keys, meantBy } from '../flags/options.ts';
import { isPlain } from './plain.ts';

/**
 * `checkKeys` where an object of a class will do: what else the class has is its own matter, but for what is nearly an
 * option, its own or inherited.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkMembers<Options extends object>(what: string, options: Options, known: Keys<Options>): void {
  if (typeof options !== 'object' || options === null || isPlain(options)) return checkKeys(what, options, known);
  // Up to what all objects have, which is nobody's option.
  for (let at: object = options; Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at)) {
    for (const key of Object.getOwnPropertyNames(at)) {
      const meant = Object.hasOwn(known, key) ? undefined : meantBy(key, known);
      if (meant !== undefined)
        throw invalid(`There is no option ${quoteId(key)} of ${what} in this version. Did you mean ${quoteId(meant)}?`);
    }
  }
}

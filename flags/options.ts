import { isThenable } from './callbacks.ts';
import { closest } from './closest.ts';
import { invalid, isKillSwitchError, messageOf } from './errors.ts';
import { quoteId } from './printable.ts';
import { keysOf } from './table.ts';

/**
 * The keys that an options object may have; the compiler sees to it that none is missing. A list instead of `true`
 * holds other names that people use for that key.
 */
export type Keys<Options> = Readonly<Record<keyof Options, true | readonly string[]>>;

/** Options that belong to parts that are not built yet: of what, and the part. */
const NOT_BUILT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'an action': {
    approvals: 'approvals',
    approvalExpiresMs: 'approvals',
    escalateAfterMs: 'approvals',
  },
};

/** What is wrong with the keys of an options object, with the key that was probably meant; null when all are known. */
export function keyProblem<Options extends object>(
  what: string,
  options: Options,
  known: Keys<Options>,
): string | null {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return `The options of ${what} are an object, not ${quoteId(options)}.`;
  if (isThenable<object>(options)) return `The options of ${what} are a promise: await it.`;
  for (const key in options) {
    if (Object.hasOwn(known, key) || !Object.hasOwn(options, key)) continue;
    const part = NOT_BUILT[what]?.[key];
    if (part !== undefined)
      return `${noOption(what, key)} It belongs to a part that is not built yet (${part}): leave it out.`;
    const meant = meantBy(key, known);
    return meant === undefined
      ? `${noOption(what, key)} There are: ${Object.keys(known).join(', ')}.`
      : `${noOption(what, key)} Did you mean ${quoteId(meant)}?`;
  }
  return null;
}

/**
 * `keyProblem` for an object that may have keys of somebody else: only a key that is nearly a known one is wrong. Null
 * when there is none.
 */
export function nearMissProblem<Options extends object>(
  what: string,
  keys: readonly string[],
  known: Keys<Options>,
): string | null {
  for (const key of keys) {
    const meant = Object.hasOwn(known, key) ? undefined : meantBy(key, known);
    if (meant !== undefined) return `${noOption(what, key)} Did you mean ${quoteId(meant)}?`;
  }
  return null;
}

const noOption = (what: string, key: string): string =>
  `There is no option ${quoteId(key)} of ${what} in this version.`;

/** The key that was probably meant, or undefined. */
function meantBy<Options extends object>(key: string, known: Keys<Options>): string | undefined {
  const also = Object.entries<true | readonly string[]>(known).find(
    ([, names]) => names !== true && names.includes(key),
  );
  return also?.[0] ?? closest(key, Object.keys(known));
}

/**
 * The options, each read once, with those that are inherited. An unknown key is refused: otherwise a mistyped
 * `irreversible` or `agentId` would be ignored, and nobody would notice.
 * @throws KillSwitchError INVALID_ARGUMENT, also where a getter throws
 */
export function checkKeys<Options extends object>(what: string, options: Options, known: Keys<Options>): Options {
  return readable(`The options of ${what}`, () => {
    const problem = keyProblem(what, options, known);
    if (problem !== null) throw invalid(problem);
    return readKeys(options, known);
  });
}

/** A copy with these keys, inherited ones too, and with whatever else the object has of its own. */
export function readKeys<Options extends object>(options: Options, known: Keys<Options>): Options {
  const read = { ...options };
  for (const key of keysOf(known)) if (!Object.hasOwn(read, key) && key in options) read[key] = options[key];
  return read;
}

/**
 * What reading a caller's object gives. A getter or a proxy may throw anything: that is the caller's own mistake.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function readable<Read>(what: string, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    if (isKillSwitchError(error)) throw error;
    throw invalid(`${what} cannot be read: ${messageOf(error)}.`);
  }
}

/** What the values of an option must be, in words. */
const TYPES = { function: 'a function', boolean: 'true or false', string: 'a text' } as const;

/** @throws KillSwitchError INVALID_ARGUMENT where an option is given that is not of that type */
export function checkType(what: string, value: unknown, type: keyof typeof TYPES): void {
  if (value !== undefined && typeof value !== type)
    throw invalid(`${what} must be ${TYPES[type]}, not ${quoteId(value)}.`);
}

/** A value that is not what it should be, for a message: without secrets, since it may be the URL of a store. */
export const shownValue = (value: unknown): string => messageOf(quoteId(value));

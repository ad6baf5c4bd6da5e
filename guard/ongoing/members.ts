import { copyOf } from './copy.ts';

/** So many members in a row that can do nothing; what comes behind them counts as data. A list of promises is looked at to its end, one of a million numbers is not. */
const MAX_IDLE = 10_000;

/** What could go on: a number or a text can do nothing. */
export const mayGoOn = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/**
 * The same object where no member has to be held, else a copy. No getter is run. `hold` gives what is to be in a member's place, undefined where it can do
 * nothing; what it throws is thrown when all others have been held.
 */
export function holdMembers(whole: object, hold: (member: object) => unknown): object {
  let others: Map<PropertyKey, unknown> | undefined;
  let refused: unknown[] | undefined;
  let idle = 0;
  const look = (key: PropertyKey): void => {
    idle += 1;
    const member: unknown = Object.getOwnPropertyDescriptor(whole, key)?.value;
    if (!mayGoOn(member)) return;
    try {
      const held = hold(member);
      if (held === undefined) return;
      if (held !== member) (others ??= new Map()).set(key, held);
    } catch (error) {
      (refused ??= []).push(error);
    }
    idle = 0;
  };
  if (Array.isArray(whole) && whole.length > MAX_IDLE) {
    // To list its keys would take longer than to look at its members.
    for (let index = 0; index < whole.length && idle < MAX_IDLE; index += 1) look(String(index));
  } else {
    for (const key in whole) {
      if (idle === MAX_IDLE) break;
      look(key);
    }
  }
  for (const key of Object.getOwnPropertySymbols(whole)) look(key);
  if (refused) throw refused[0];
  return others ? copyOf(whole, others) : whole;
}

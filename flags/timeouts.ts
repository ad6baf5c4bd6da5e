import { invalid } from './errors.ts';
import { quoteId } from './printable.ts';

/** The longest time that a timer counts, in milliseconds (24.8 days): a longer one fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The longest timeout of most options, in milliseconds. */
const LONGEST_TIMEOUT_MS = 600_000;

/** @throws KillSwitchError INVALID_ARGUMENT for a time that is no number, not above 0, or longer than `most` */
export function checkTimeout(name: string, ms: number, most = LONGEST_TIMEOUT_MS): number {
  if (typeof ms !== 'number' || !(ms > 0 && ms <= most)) {
    throw invalid(`${name} must be more than 0 and at most ${most} milliseconds, not ${quoteId(ms)}.`);
  }
  return ms;
}

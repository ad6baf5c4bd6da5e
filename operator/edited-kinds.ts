import { invalid, printable } from '../flags/index.ts';
import { REDACTED } from '../flags/secret-keys.ts';
import { differences } from './differences.ts';

const KINDS: Readonly<Record<string, string>> = { string: 'text', number: 'number' };

/** What stands in the place of a secret may have been either. */
const kindOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.includes(REDACTED) ? undefined : KINDS[typeof value];

/**
 * Refuses edited arguments that have a number in the place of a text, or the other way round: an action that was asked
 * with `"60.00"` would refuse 40, when the approval is used and nobody looks any more.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkKinds(asked: unknown, edited: unknown): void {
  for (const { path, was, is } of differences(asked, edited, Number.POSITIVE_INFINITY)) {
    const [before, after] = [kindOf(was), kindOf(is)];
    if (before === undefined || after === undefined || before === after) continue;
    const where = path === '' ? 'The edited input' : `${printable(path)} of the edited input`;
    throw invalid(`${where} is a ${after}, and a ${before} in what was asked for: give a ${before}.`);
  }
}

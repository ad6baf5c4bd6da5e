import { invalid, quoteId } from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import {
  change,
  CHANGE_KEYS,
  type ChangeOptions,
  type Given,
  givenWaiting,
  WAIT_KEYS,
  type WaitOptions,
} from './change.ts';
import { checkName } from './checks.ts';

export interface LimitOptions extends ChangeOptions, WaitOptions {
  readonly name: string;
  /** A finite number from 0, in the unit that the limit declares. */
  readonly value: number;
}

export function givenLimit(options: LimitOptions): Given<'limit'> {
  const given = checkKeys('setLimit', options, { ...CHANGE_KEYS, ...WAIT_KEYS, name: ['limit'], value: true });
  const { name, value } = given;
  checkName('a limit', name);
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw invalid(`A limit is a finite number of at least 0, not ${quoteId(value)}.`);
  return { command: { type: 'limit', name, value, ...change(given) }, waiting: givenWaiting(given) };
}

import { checkKeys } from '../../flags/options.ts';
import type { CommandOf } from '../commands/index.ts';
import { parseFlagsDefinition } from '../flags-definition.ts';
import { change, CHANGE_KEYS, type ChangeOptions } from './change.ts';

/** `definition`: a whole flagd definition; keys that begin with `kill-switch.` are refused. */
export interface FlagsOptions extends ChangeOptions {
  readonly definition: unknown;
}

export function givenFlags(options: FlagsOptions): CommandOf<'flags'> {
  const given = checkKeys('setFlags', options, { ...CHANGE_KEYS, definition: ['flags'] });
  return { type: 'flags', definition: parseFlagsDefinition(given.definition), ...change(given) };
}

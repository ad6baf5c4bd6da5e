import { invalid } from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import type { FlagdText } from '../doctor/examine.ts';

/** What is looked at beside the store. */
export interface DoctorOptions {
  /** Definitions of flagd, each with the name under which it is shown; default: none. */
  readonly flagd?: readonly FlagdText[] | undefined;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenDoctor(options: DoctorOptions): { readonly flagd: readonly FlagdText[] } {
  const { flagd = [] } = checkKeys('doctor', options, { flagd: ['flagdFiles', 'files'] });
  const isText = (each: unknown): boolean =>
    typeof Object(each).file === 'string' && typeof Object(each).text === 'string';
  if (!Array.isArray(flagd) || !flagd.every(isText))
    throw invalid('flagd is a list of { file, text }: the name and the text of each definition.');
  return { flagd };
}

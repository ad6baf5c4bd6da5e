import { invalid, isMode, type Mode, MODES, ruleProblem } from '../../flags/index.ts';
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
import { oneOf } from './checks.ts';
import { jsonObject } from '../json-value.ts';

/** `targeting`: a flagd rule that returns a mode; null (default): the same mode for everyone. */
export interface ModeOptions extends ChangeOptions, WaitOptions {
  readonly mode: Mode;
  readonly targeting?: unknown;
}

export function givenMode(options: ModeOptions): Given<'mode'> {
  const given = checkKeys('setMode', options, { ...CHANGE_KEYS, ...WAIT_KEYS, mode: true, targeting: true });
  const { mode, targeting = null } = given;
  const rule =
    targeting === null
      ? null
      : jsonObject('targeting', "a rule of flagd's as a JSON object, or null: the same for everyone", targeting);
  const problem = ruleProblem(rule);
  if (problem !== null) throw invalid(`targeting is a rule that ${problem}.`);
  const asked = oneOf('a mode', mode, isMode, MODES);
  return { command: { type: 'mode', mode: asked, targeting: rule, ...change(given) }, waiting: givenWaiting(given) };
}

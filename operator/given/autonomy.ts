import { type AutonomyStage, isAutonomyStage } from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import { AUTONOMY_STAGES } from '../../flags/stages.ts';
import {
  change,
  CHANGE_KEYS,
  type ChangeOptions,
  type Given,
  givenWaiting,
  WAIT_KEYS,
  type WaitOptions,
} from './change.ts';
import { checkName, oneOf } from './checks.ts';

export interface AutonomyOptions extends ChangeOptions, WaitOptions {
  readonly action: string;
  readonly stage: AutonomyStage;
}

export function givenAutonomy(options: AutonomyOptions): Given<'autonomy'> {
  const given = checkKeys('setAutonomy', options, { ...CHANGE_KEYS, ...WAIT_KEYS, action: ['name'], stage: true });
  const { action, stage } = given;
  checkName('an action', action);
  oneOf('a stage of autonomy', stage, isAutonomyStage, AUTONOMY_STAGES);
  return { command: { type: 'autonomy', action, stage, ...change(given) }, waiting: givenWaiting(given) };
}

import {
  ALERT_EVENTS,
  ALERT_FORMATS,
  AUTONOMY_STAGES,
  DRILL_KINDS,
  EVENT_TYPES,
  FEATURE_STAGES,
  MODES,
  SECOND_PERSONS,
  TARGET_TYPES,
  TRIP_MODES,
} from '../../../flags/index.ts';
import { EFFECTS } from '../../../flags/modes.ts';
import { EXECUTOR_STATES } from '../../acknowledge.ts';
import { APPROVAL_STATUSES } from '../../approval-records.ts';
import { stateWord } from '../tables.ts';
import type { NameKind } from './names.ts';

/** What may stand in one place of a command line. */
export interface Choices {
  /** Always the same words. One that ends with a colon goes on. */
  readonly words?: readonly string[];
  /** What the store knows by name. */
  readonly names?: NameKind;
  readonly files?: true;
}

const STEMS = TARGET_TYPES.map((type) => (type === 'all' ? type : `${type}:`));
const TARGETS: Choices = { words: STEMS, names: 'target' };
const ON_OFF: Choices = { words: ['on', 'off'] };
const SHELLS: Choices = { words: ['bash', 'zsh', 'fish'] };

/** By the verb and its argument, or by the argument of any verb. Where there is no row, nothing is suggested. */
const ARGUMENTS: Readonly<Record<string, Choices>> = {
  target: TARGETS,
  'revive target': { names: 'killed' },
  'rollback target': { names: 'undoable' },
  mode: { words: MODES },
  'feature name': { names: 'feature' },
  'feature stage': { words: FEATURE_STAGES },
  'limit name': { names: 'limit' },
  action: { names: 'action' },
  'autonomy stage': { words: AUTONOMY_STAGES },
  'approve id': { names: 'agreeable' },
  'reject id': { names: 'pending' },
  'approvals show id': { names: 'approval' },
  'approval withdraw id': { names: 'standing' },
  'rule remove name': { names: 'rule' },
  'budget scope': {
    words: [
      'day',
      'all',
      'run',
      'agent',
      'mission',
      ...STEMS.filter((stem) => /^(agent|mission|run|action):$/.test(stem)),
    ],
    names: 'spender',
  },
  'budget remove scope': { names: 'budget' },
  'tripwire set name': { names: 'tripwire' },
  'tripwire remove name': { names: 'tripwire' },
  'executors forget executor': { names: 'executor' },
  run: { names: 'run' },
  file: { files: true },
  more: { files: true },
  'completion shell': SHELLS,
  'drills show id': { names: 'drill' },
  'drill schedule kind': { words: [...DRILL_KINDS, 'off'] },
  'requests withdraw id': { names: 'request' },
  'alert remove name': { names: 'alert' },
  'alert test name': { names: 'alert' },
};

/** By the verb and its option, or by the option of any verb. */
const OPTIONS: Readonly<Record<string, Choices>> = {
  '--agent': { names: 'agent' },
  '--run': { names: 'run' },
  '--mission': { names: 'mission' },
  '--action': { names: 'action' },
  '--effect': { words: EFFECTS },
  '--surface': { names: 'surface' },
  '--feature': { names: 'feature' },
  '--target': TARGETS,
  '--state': { words: EXECUTOR_STATES.map(stateWord) },
  '--status': { words: APPROVAL_STATUSES },
  '--output': { words: ['wide'] },
  '--do': { words: TRIP_MODES },
  '--on': { words: ['repeats', 'failures', 'refusals', 'interventions', 'report:'] },
  'tripwire set --scope': { words: ['run', 'agent'] },
  'budget --window': { words: ['day', 'total'] },
  'budget remove --window': { words: ['day', 'total'] },
  '--kind': { words: DRILL_KINDS },
  '--events': { words: ALERT_EVENTS },
  '--format': { words: ALERT_FORMATS },
  '--type': { words: EVENT_TYPES },
  '--second-person': { words: SECOND_PERSONS },
  '--ladder': ON_OFF,
  '--break-glass': ON_OFF,
  '--executor': { names: 'executor' },
  '--exclude': { names: 'executor' },
  '--include': { names: 'executor' },
  '--input': { files: true },
  '--watch': { files: true },
  '--against': { files: true },
  '--profile': { names: 'profile' },
  '--store': { words: ['file:', 'redis://', 'rediss://', 'redis+unix://'] },
};

export const argumentChoices = (verb: string, argument: string): Choices =>
  ARGUMENTS[`${verb} ${argument}`] ?? ARGUMENTS[argument] ?? {};

export const optionChoices = (verb: string, option: string): Choices =>
  OPTIONS[`${verb} ${option}`] ?? OPTIONS[option] ?? {};

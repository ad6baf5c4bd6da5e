import { isMode, SAFE_MODE, strictness } from './modes.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES, isAutonomyStage, isFeatureStage } from './stages.ts';
import { deepFreeze } from './freeze.ts';

/** The key of the one flag that stops. */
export const MODE_FLAG = 'kill-switch.mode';
/** What the key of a feature’s flag begins with. */
export const FEATURE_FLAG_PREFIX = 'kill-switch.feature.';
/** What the key of a limit’s flag begins with. */
export const LIMIT_FLAG_PREFIX = 'kill-switch.limit.';
/** What the key of the flag of an action’s autonomy begins with. */
export const AUTONOMY_FLAG_PREFIX = 'kill-switch.autonomy.';

/** The key of the flag that gives a feature’s stage. */
export const featureFlag = (name: string): string => FEATURE_FLAG_PREFIX + name;
/** The key of the flag that gives a limit’s value. */
export const limitFlag = (name: string): string => LIMIT_FLAG_PREFIX + name;
/** The key of the flag that gives the autonomy stage of an action. */
export const autonomyFlag = (action: string): string => AUTONOMY_FLAG_PREFIX + action;

/** What a flag of the switch decides. */
export type FlagKind = 'mode' | 'feature' | 'limit' | 'autonomy';
/** The types that OpenFeature flags have. */
export type FlagType = 'boolean' | 'string' | 'number' | 'object';

/**
 * What one kill-switch flag is: its key (or the prefix that a name follows), its type, which values it can have, and
 * what it means when it has no answer.
 */
export interface FlagRow {
  readonly kind: FlagKind;
  readonly key: string;
  readonly type: 'string' | 'number';
  readonly isValid: (value: unknown) => boolean;
  /** Of two valid values the one that ranks higher leaves less authority. */
  readonly strictness: (value: unknown) => number;
  readonly safeValue: string | number;
}

/**
 * One row for each flag, used by the hook, the decorator, the strategy and the reading alike. A missing flag means its
 * `safeValue`.
 */
export const CATALOGUE: Readonly<Record<FlagKind, FlagRow>> = deepFreeze({
  mode: { kind: 'mode', key: MODE_FLAG, type: 'string', isValid: isMode, strictness, safeValue: SAFE_MODE },
  feature: {
    kind: 'feature',
    key: FEATURE_FLAG_PREFIX,
    type: 'string',
    isValid: isFeatureStage,
    strictness: (value) => (isFeatureStage(value) ? -FEATURE_STAGES.indexOf(value) : 1),
    safeValue: 'dark',
  },
  limit: {
    kind: 'limit',
    key: LIMIT_FLAG_PREFIX,
    type: 'number',
    isValid: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
    strictness: (value) => -Number(value),
    safeValue: 0,
  },
  autonomy: {
    kind: 'autonomy',
    key: AUTONOMY_FLAG_PREFIX,
    type: 'string',
    isValid: isAutonomyStage,
    strictness: (value) => (isAutonomyStage(value) ? -AUTONOMY_STAGES.indexOf(value) : 1),
    safeValue: 'human_in_the_loop',
  },
});

const PREFIXED = [CATALOGUE.feature, CATALOGUE.limit, CATALOGUE.autonomy];

/** The row of a flag key and the name after its prefix ('' for the mode), or undefined for an ordinary flag. */
export function flagRow(flagKey: string): { readonly row: FlagRow; readonly name: string } | undefined {
  if (flagKey === MODE_FLAG) return { row: CATALOGUE.mode, name: '' };
  for (const row of PREFIXED) {
    if (flagKey.startsWith(row.key) && flagKey.length > row.key.length) {
      return { row, name: flagKey.slice(row.key.length) };
    }
  }
  return undefined;
}

/**
 * The members of an evaluation's details that are looked at; fits the SDKs' ResolutionDetails and EvaluationDetails.
 */
export interface AnswerDetails {
  readonly value: unknown;
  readonly variant?: string | undefined;
  readonly reason?: string | undefined;
  readonly errorCode?: string | undefined;
}

/** Why an answer cannot be trusted. */
export type AnswerProblem = 'ERROR' | 'FLAG_DISABLED' | 'TYPE_MISMATCH' | 'INVALID_VALUE' | 'FLAG_NOT_FOUND';

/**
 * Why this is not a positive answer; null when it is one. A positive answer has no error, is not disabled, has the
 * right type and a known value, and either a variant or a value that differs from the caller's default: without a
 * variant, a value that equals the default may be just the default.
 */
export function answerProblem(row: FlagRow, details: AnswerDetails, callerDefault: unknown): AnswerProblem | null {
  if (details.errorCode !== undefined && details.errorCode !== null) {
    return details.errorCode === 'FLAG_NOT_FOUND'
      ? 'FLAG_NOT_FOUND'
      : details.errorCode === 'TYPE_MISMATCH'
        ? 'TYPE_MISMATCH'
        : 'ERROR';
  }
  if (details.reason === 'ERROR') return 'ERROR';
  if (details.reason === 'DISABLED') return 'FLAG_DISABLED';
  if (typeof details.value !== row.type) return 'TYPE_MISMATCH';
  if (!row.isValid(details.value)) return 'INVALID_VALUE';
  if (!details.variant && details.value === callerDefault) return 'FLAG_NOT_FOUND';
  return null;
}

type SafeValue = string | number | boolean | Readonly<Record<string, never>>;

const WRONG_TYPE: Readonly<Record<FlagType, SafeValue>> = { boolean: false, string: '', number: 0, object: {} };

/** The safe value of a flag in the type that was asked for: `false`, `''`, 0 or `{}` when that is the wrong type. */
export const safeValueAs = (row: FlagRow, askedType: FlagType): SafeValue =>
  askedType === row.type ? row.safeValue : askedType === 'object' ? {} : WRONG_TYPE[askedType];

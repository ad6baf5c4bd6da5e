import {
  type FeatureStage,
  idProblem,
  invalid,
  isFeatureStage,
  MOST_RUNS,
  quoteId,
  requirementSchema,
  stageRuleProblem,
} from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { FEATURE_STAGES } from '../../flags/stages.ts';
import type { CommandOf } from '../commands/index.ts';
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
import { jsonObject } from '../json-value.ts';

/**
 * `targeting`: a flagd rule that returns a stage; where it returns none, `stage` counts. Null (default): the same stage
 * for everyone.
 */
export interface FeatureOptions extends ChangeOptions, WaitOptions {
  readonly name: string;
  readonly stage: FeatureStage;
  readonly targeting?: unknown;
}

const FEATURE_KEYS: Keys<FeatureOptions> = {
  ...CHANGE_KEYS,
  ...WAIT_KEYS,
  name: ['feature'],
  stage: true,
  targeting: ['rule', 'accounts'],
};

export function givenFeature(options: FeatureOptions): Given<'feature'> {
  const given = checkKeys('setFeature', options, FEATURE_KEYS);
  const { name, stage, targeting = null } = given;
  checkName('a feature', name);
  oneOf('a stage of a feature', stage, isFeatureStage, FEATURE_STAGES);
  const rule =
    targeting === null
      ? null
      : jsonObject('targeting', "a rule of flagd's as a JSON object, or null: the same for everyone", targeting);
  const problem = stageRuleProblem(rule);
  if (problem !== null) throw invalid(`targeting is a rule that ${problem}.`);
  const terms = { name, stage, ...(rule !== null && { targeting: rule }) };
  return { command: { type: 'feature', ...terms, ...change(given) }, waiting: givenWaiting(given) };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenFeatureName(name: unknown): { readonly name: string } {
  const problem = idProblem(name);
  if (problem !== null) throw invalid(`${quoteId(name)} is not the name of a feature: it ${problem}.`);
  return { name: String(name) };
}

/**
 * What has to be shown before a feature goes beyond `shadow`, for anybody. What is not named stays as it was; 0 asks
 * for nothing of it, and where all is 0 there is no requirement.
 */
export interface RequirementOptions extends ChangeOptions {
  /** The feature. */
  readonly name: string;
  /** At least so many shadow runs, 0 to 10,000. */
  readonly runs?: number | undefined;
  /** On at least so many calendar days (UTC), 0 to 365. */
  readonly days?: number | undefined;
  /** At least this share of judged runs in which a person did the same, 0 to 1. */
  readonly agreement?: number | undefined;
}

const REQUIREMENT_KEYS: Keys<RequirementOptions> = {
  ...CHANGE_KEYS,
  name: ['feature'],
  runs: ['shadowRuns'],
  days: true,
  agreement: true,
};

export function givenRequirement(options: RequirementOptions): CommandOf<'requirement'> {
  const given = checkKeys('setRequirement', options, REQUIREMENT_KEYS);
  const { name } = given;
  checkName('a feature', name);
  const { runs, days, agreement } = requirementSchema.shape;
  const asked = {
    ...asks(runs, 'runs', given.runs, `a whole number of shadow runs from 0 to ${MOST_RUNS}`),
    ...asks(days, 'days', given.days, 'a whole number of days from 0 to 365'),
    ...asks(agreement, 'agreement', given.agreement, 'a share from 0 to 1, such as 0.95'),
  };
  if (Object.keys(asked).length === 0) throw invalid('A requirement asks for runs, days or agreement, or several.');
  return { type: 'requirement', name, asked, ...change(given) };
}

/** A number of a requirement; nothing where it is not named. */
function asks<Name extends string>(
  schema: { safeParse(value: unknown): { readonly success: boolean } },
  name: Name,
  value: number | undefined,
  must: string,
): { readonly [N in Name]?: number } {
  if (value === undefined) return {};
  if (!schema.safeParse(value).success) throw invalid(`${name} is ${must}, not ${quoteId(value)}.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key has the type of any text
  return { [name]: value } as { readonly [N in Name]?: number };
}

import {
  asksForNothing,
  FEATURE_FLOORS,
  type FeatureEvidence,
  type FeatureRequirement,
  type FeatureStage,
  isSameForAll,
  isSameRequirement,
  isSameStage,
  loosestStage,
  stagesOf,
  type StageTerms,
} from '../../flags/index.ts';
import { ALREADY, type CommandRow, event, type Loosening, nameRefused } from './row.ts';

/** What an event says of a feature's stage. */
const saidOf = ({ stage, targeting }: StageTerms): Record<string, unknown> => ({
  stage,
  ...(!isSameForAll({ stage, targeting }) && { targeting }),
});

export interface Feature extends Loosening {
  readonly name: string;
  readonly stage: FeatureStage;
  readonly targeting?: unknown;
  /** What the reports of executors came to, where it goes beyond `shadow` and has a requirement. */
  readonly evidence?: FeatureEvidence | undefined;
}

export const feature: CommandRow<Feature> = {
  changes: ({ name }) => ['feature', name],
  reach: ({ name }) => ({ type: 'feature', id: name }),
  restricts: (command) => stagesOf(command).some((stage) => FEATURE_FLOORS[stage] !== 'live'),
  leaves: (command) => FEATURE_FLOORS[loosestStage(command)],
  wish({ name, evidence, ...terms }, view) {
    const before = view.get('feature', name);
    const wrong = nameRefused('a feature', name);
    if (wrong) return wrong;
    return before && isSameStage(before, terms)
      ? ALREADY
      : event('feature', { name, ...saidOf(terms), ...(evidence && { evidence }) });
  },
};

export interface Requirement extends Loosening {
  readonly name: string;
  /** What is not named stays as it is; 0 asks for nothing of it. */
  readonly asked: Partial<FeatureRequirement>;
}

export const requirement: CommandRow<Requirement> = {
  changes: ({ name }) => ['feature', name],
  wish({ name, asked }, view) {
    const before = view.get('feature', name);
    const wrong = nameRefused('a feature', name);
    if (wrong) return wrong;
    const all = { runs: 0, days: 0, agreement: 0, ...before?.requirement, ...asked };
    const after = asksForNothing(all) ? undefined : all;
    return before && isSameRequirement(before.requirement, after)
      ? ALREADY
      : event('feature', { name, ...saidOf(before ?? { stage: 'dark' }), requirement: after ?? null });
  },
};

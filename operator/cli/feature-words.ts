import {
  type FeatureRequirement,
  type FeatureStage,
  isLooserStage,
  isSameForAll,
  rolloutOf,
  shareText,
  shownId,
  type StageTerms,
  surelyNoStricter,
} from '../../flags/index.ts';
import type { Evidence } from '../evidence.ts';
import { count, shortTime, toJson } from './output.ts';

/** How many accounts are named; the others are counted. */
const SHOWN_ACCOUNTS = 5;

/** The stage of a feature for everybody, in words. */
export function stageText(name: string, { stage, targeting }: StageTerms): string {
  if ((targeting ?? null) === null) return stage;
  const rollout = rolloutOf(name, targeting);
  if (rollout === null) return `${stage}, by the rule ${toJson(targeting)}`;
  if (rollout.by === 'percentage')
    return `${rollout.stage} for ${rollout.percentage} % of accounts, and ${rollout.otherwise} for the others`;
  return `${rollout.stage} for ${accountsText([...rollout.accounts])}, and ${stage} for all others`;
}

function accountsText(accounts: readonly string[]): string {
  const more = accounts.length > SHOWN_ACCOUNTS ? ` and ${accounts.length - SHOWN_ACCOUNTS} more` : '';
  const named = accounts.slice(0, SHOWN_ACCOUNTS).map(shownId).join(', ');
  return `the ${accounts.length === 1 ? 'account' : 'accounts'} ${named}${more}`;
}

/** Who has less by a rule that has taken the place of another one. */
export interface Loss {
  /** The accounts that were named, and have less: with the stage that each had, and the one that it has. */
  readonly lowered: readonly { readonly account: string; readonly was: FeatureStage; readonly is: FeatureStage }[];
  /** The rule that no longer counts, where not each account can be told that loses by it; else null. */
  readonly replaced: StageTerms | null;
}

/** Null where there was no rule, or nobody has less than by it. */
export function lossOf(name: string, before: StageTerms, after: StageTerms): Loss | null {
  if (isSameForAll(before) || surelyNoStricter(name, before, after)) return null;
  const [was, is] = [before, after].map(({ targeting }) => rolloutOf(name, targeting));
  if (was?.by !== 'accounts' || is?.by !== 'accounts') return { lowered: [], replaced: before };
  const lowered = [...was.accounts]
    .map((account) => ({ account, was: was.stage, is: is.accounts.has(account) ? is.stage : after.stage }))
    .filter((each) => isLooserStage(each.was, each.is));
  return lowered.length === 0 ? null : { lowered, replaced: null };
}

/** The same in sentences, each with a space before it. */
export function lossText(name: string, { lowered, replaced }: Loss): string {
  if (replaced !== null) return ` It was ${stageText(name, replaced)}: that no longer counts.`;
  const text = ({ was, is }: Loss['lowered'][number]): string => `was ${was}, and is ${is}`;
  return [...new Set(lowered.map(text))]
    .map((change) => {
      const accounts = lowered.filter((each) => text(each) === change).map(({ account }) => account);
      return ` For ${accountsText(accounts)} it ${change}.`;
    })
    .join('');
}

/** What a feature has to show before it goes beyond shadow, in words. */
export function requirementText(requirement: FeatureRequirement | null): string {
  if (requirement === null) return 'no evidence';
  const { runs, days, agreement } = requirement;
  const asked = [
    ...(runs > 0 ? [`at least ${count(runs, 'shadow run')}`] : []),
    ...(days > 0 ? [`on at least ${count(days, 'day')}`] : []),
    ...(agreement > 0 ? [`an agreement of at least ${shareText(agreement)}`] : []),
    'no unresolved intervention',
  ];
  return asked.join(', ');
}

/** The evidence of a feature, a line for each thing. */
export function evidenceLines(evidence: Evidence): string[] {
  const { feature, since, shadow_runs, days, judged, agreed, agreement, unresolved, requirement, missing } = evidence;
  if (since === null)
    return [
      `feature ${shownId(feature)} has not been in shadow since it was last dark, so there is no evidence.`,
      ...requirementLines(requirement, missing),
    ];
  return [
    `feature ${shownId(feature)}, ${evidence.stage}; evidence since ${shortTime(since)}:`,
    `  Shadow runs  ${shadow_runs}, on ${count(days, 'day')}`,
    `  Outcomes     ${judged} of ${shadow_runs}, of which ${agreed} agreed${agreement === null ? '' : ` (${shareText(agreement)})`}`,
    ...unjudgedLines(evidence),
    `  Unresolved   ${count(unresolved, 'intervention')}`,
    ...evidence.writers.map(
      ({ writer, shadow_runs: runs, outcomes }) =>
        `  Reported by  ${writer === null ? 'executors that the store does not tell apart' : shownId(writer)}: ${count(runs, 'shadow run')}, ${count(outcomes, 'outcome')}`,
    ),
    ...(evidence.more_writers > 0 ? [`  … and by ${evidence.more_writers} more`] : []),
    ...leftOutLines(evidence),
    ...requirementLines(requirement, missing),
  ];
}

/** Which runs lack an outcome, and how one is said. */
function unjudgedLines({ unjudged, shadow_runs: runs, judged }: Evidence): string[] {
  if (unjudged.length === 0) return [];
  const more = runs - judged - unjudged.length;
  const named = unjudged.map(({ run_id: id, action }) => `run ${shownId(id)} (${shownId(action)})`).join(', ');
  return [`  Without one  ${named}${more > 0 ? ` and ${more} more` : ''}; killSwitch.recordOutcome says one`];
}

const leftOutLines = ({ unmatched, ignored, unreadable }: Evidence): string[] => {
  const parts = [
    ...(unmatched > 0 ? [`${count(unmatched, 'outcome')} without a shadow run`] : []),
    ...(ignored > 0 ? [`${count(ignored, 'record')} of another time, or without a run`] : []),
    ...(unreadable > 0 ? [`${count(unreadable, 'record')} that could not be read`] : []),
  ];
  return parts.length === 0 ? [] : [`  Not counted  ${parts.join(', ')}`];
};

const requirementLines = (requirement: FeatureRequirement | null, missing: readonly string[]): string[] =>
  requirement === null
    ? ['It needs no evidence to go beyond shadow.']
    : [
        `To go beyond shadow it needs ${requirementText(requirement)}.`,
        missing.length === 0 ? 'That is met.' : `That is not met: there are ${missing.join('; ')}.`,
      ];

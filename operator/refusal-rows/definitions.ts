import { quoteId, shellWord } from '../../flags/index.ts';
import type { UnjudgedRun } from '../evidence.ts';
import type { RefusalRows } from './row.ts';

/** What is defined by name: rules, budgets, tripwires, features. */
export interface DefinitionFacts {
  /** `problem` ends a sentence that begins with the name. */
  readonly not_a_name: { readonly name: string; readonly of: string; readonly problem: string };
  /** `problem` is a sentence: what was set is no budget, or no tripwire. */
  readonly not_a_definition: { readonly problem: string };
  /** A rule that would leave everything as it is. */
  readonly live_rule: object;
  /** A window that would never be open, or is over already. */
  readonly never_opens: { readonly from: string; readonly until: string; readonly now: string };
  readonly no_rule: { readonly name: string };
  /** The window of that rule is compiled far enough ahead; or there is none. */
  readonly not_due: { readonly name: string };
  readonly no_budget: { readonly name: string };
  readonly no_tripwire: { readonly name: string };
  /** `missing`: what the evidence lacks, in words. */
  readonly evidence_required: {
    readonly feature: string;
    readonly stage: string;
    readonly missing: readonly string[];
    /** The first runs that lack an outcome; absent where that is not known. */
    readonly unjudged?: readonly UnjudgedRun[];
  };
}

export const DEFINITIONS: RefusalRows<DefinitionFacts> = {
  not_a_name: {
    code: 'INVALID_ARGUMENT',
    says: ({ name, of, problem }) => `${quoteId(name)} is not the name of ${of}: it ${problem}.`,
  },
  not_a_definition: { code: 'INVALID_ARGUMENT', says: ({ problem }) => problem },
  live_rule: {
    code: 'INVALID_ARGUMENT',
    says: () => 'A rule cannot leave its target live: it would restrict nothing.',
  },
  never_opens: {
    code: 'INVALID_ARGUMENT',
    says: ({ from, until, now }) =>
      until <= now
        ? `The window until ${until} would never be open: the store's clock says ${now}.`
        : `The window from ${from} until ${until} would never be open: it ends before it begins.`,
  },
  no_rule: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no rule ${quoteId(name)}.`,
    hint: { program: 'See what there is: rules().', command: 'See what there is: kill-switch rules' },
  },
  not_due: {
    code: 'INVALID_STATE',
    says: ({ name }) => `The rule ${quoteId(name)} has no window that has to be compiled further ahead.`,
  },
  no_budget: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no budget ${quoteId(name)}.`,
    hint: { program: 'See what there is: budgets().', command: 'See what there is: kill-switch budgets' },
  },
  no_tripwire: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no tripwire ${quoteId(name)}.`,
    hint: { program: 'See what there is: tripwires().', command: 'See what there is: kill-switch tripwires' },
  },
  evidence_required: {
    code: 'EVIDENCE_REQUIRED',
    isAttempt: true,
    says: ({ feature, stage, missing, unjudged = [] }) => {
      const named = unjudged.map(({ run_id: id, action }) => `${quoteId(id)} (${action})`).join(', ');
      const lacking = named === '' ? '' : ` Without an outcome: ${named}; recordOutcome says one.`;
      return `The feature ${quoteId(feature)} cannot become ${stage} yet. There are: ${missing.join('; ')}.${lacking}`;
    },
    hint: ({ feature }) => ({
      program: 'See what there is: evidence(name). To ask for less: setRequirement({ name, …, reason: "…" }).',
      command: `See what there is: kill-switch feature ${shellWord(feature)} --evidence. To ask for less: kill-switch feature ${shellWord(feature)} --require-runs N --reason "…"`,
    }),
  },
};

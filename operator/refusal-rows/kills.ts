import { quoteId, shellWord } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** Kills, and the stops that executors set. */
export interface KillFacts {
  /** `problem` is a sentence. */
  readonly not_a_target: { readonly problem: string };
  readonly live_kill: object;
  readonly end_passed: { readonly end: string; readonly now: string };
  readonly end_out_of_reach: { readonly lastsMs: number };
  /** `rules`: those that restrict it; absent where none does. */
  readonly not_killed: { readonly target: string; readonly rules?: readonly string[] };
  /** An executor's stop that the log has already, or that holds no longer. */
  readonly stop_over: { readonly target: string };
}

export const KILLS: RefusalRows<KillFacts> = {
  not_a_target: { code: 'INVALID_ARGUMENT', says: ({ problem }) => problem, isAttempt: true },
  live_kill: {
    code: 'INVALID_ARGUMENT',
    says: () => 'A kill cannot leave a target live: to lift a kill, revive it.',
  },
  end_passed: {
    code: 'INVALID_ARGUMENT',
    says: ({ end, now }) => `The end ${end} has already passed: the store's clock says ${now}.`,
  },
  end_out_of_reach: {
    code: 'INVALID_ARGUMENT',
    says: ({ lastsMs }) => `A kill lasts for more than 0 ms, and to the year 9999 at most, not for ${lastsMs} ms.`,
  },
  not_killed: {
    code: 'NOT_KILLED',
    says: ({ target, rules: [rule] = [] }) =>
      `There is no active kill of ${target}${rule === undefined ? '' : `, but the rule ${quoteId(rule)} restricts it`}.`,
    hint: ({ rules: [rule] = [] }) =>
      rule === undefined
        ? { program: 'See what is stopped: status().', command: 'See what is stopped: kill-switch status' }
        : {
            program: 'A rule is removed, not revived: removeRule({ name, reason: "…" }). See what there is: rules().',
            command: `A rule is removed, not revived: kill-switch rule remove ${shellWord(rule)} --reason "…"`,
          },
  },
  stop_over: {
    code: 'CONFLICT',
    says: ({ target }) => `The stop of ${target} is in the log already, or a person has lifted it since.`,
  },
};

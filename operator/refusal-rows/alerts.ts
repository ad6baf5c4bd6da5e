import { quoteId, shellWord } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** The targets of alerts. */
export interface AlertFacts {
  readonly alert_taken: { readonly name: string };
  readonly alerts_full: { readonly most: number };
  readonly no_alert: { readonly name: string };
}

export const ALERTS: RefusalRows<AlertFacts> = {
  alert_taken: {
    code: 'INVALID_STATE',
    says: ({ name }) => `There is an alert ${quoteId(name)} already, and it stays as it is.`,
    hint: ({ name }) => ({
      program: 'Remove it first (removeAlert), or give another name.',
      command: `Remove it first (kill-switch alert remove ${shellWord(name)} --reason "…"), or give another name.`,
    }),
  },
  alerts_full: {
    code: 'INVALID_STATE',
    says: ({ most }) => `There are ${most} alerts already, and no more are taken.`,
    hint: {
      program: 'Remove one (removeAlert).',
      command: 'Remove one (kill-switch alert remove NAME --reason "…").',
    },
  },
  no_alert: {
    code: 'NOT_FOUND',
    says: ({ name }) => `There is no alert ${quoteId(name)}.`,
    hint: { program: 'See what there is: alerts().', command: 'See what there is: kill-switch alerts' },
  },
};

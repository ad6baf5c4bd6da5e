import { quoteId } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** Approvals. */
export interface ApprovalFacts {
  /** There is no request of this id, or (`standing`) no standing approval. */
  readonly approval_missing: { readonly id: string; readonly standing: boolean };
  /** `problem` is a clause: the request cannot be shown as it was asked, so nobody can decide it. */
  readonly approval_unfit: { readonly id: string; readonly problem: string };
  /** It is expired, rejected, used or cancelled. `why` is a clause that goes on after the id. */
  readonly approval_ended: { readonly id: string; readonly status: string; readonly why: string };
  /** What was shown, or what somebody else has approved, is not what is to be approved. */
  readonly other_arguments: { readonly id: string; readonly why: string };
  /** A standing approval that would last longer than any may. */
  readonly approval_too_long: { readonly end: string; readonly longest: string };
  readonly self_approval: { readonly id: string; readonly name: string };
  readonly same_approver: { readonly id: string; readonly name: string; readonly needed: number };
}

export const APPROVALS: RefusalRows<ApprovalFacts> = {
  approval_missing: {
    code: 'NOT_FOUND',
    says: ({ id, standing }) =>
      `There is no ${standing ? 'standing approval' : 'request for an approval'} ${quoteId(id)}.`,
    hint: {
      program: 'Each is named by its whole id. See what there is: approvals(), standingApprovals().',
      command:
        'Each is named by its whole id. See what there is: kill-switch approvals, kill-switch approvals standing; changes that wait: kill-switch requests',
    },
  },
  approval_unfit: {
    code: 'CONFLICT',
    says: ({ id, problem }) => `The request ${quoteId(id)} cannot be decided: ${problem}.`,
  },
  approval_ended: {
    code: 'APPROVAL_ENDED',
    says: ({ id, why }) => `The request ${quoteId(id)} ${why}, so nothing was decided.`,
    hint: {
      program: 'Whoever still needs it asks again.',
      command: 'Whoever still needs it asks again.',
    },
  },
  other_arguments: {
    code: 'OTHER_ARGUMENTS',
    says: ({ id, why }) => `The request ${quoteId(id)} was not approved: ${why}.`,
    hint: {
      program: 'Look again (approval(id)), then decide.',
      command: 'Look again (kill-switch approvals show ID), then decide.',
    },
  },
  approval_too_long: {
    code: 'INVALID_ARGUMENT',
    says: ({ end, longest }) => `A standing approval lasts until ${longest} at most, not until ${end}.`,
  },
  self_approval: {
    code: 'SELF_APPROVAL',
    isAttempt: true,
    says: ({ id, name }) =>
      `${quoteId(name)} has asked for ${quoteId(id)}, or runs what has asked for it, and cannot approve it.`,
    hint: { program: 'Somebody else has to.', command: 'Somebody else has to (--operator, or $KILL_SWITCH_OPERATOR).' },
  },
  same_approver: {
    code: 'SAME_APPROVER',
    isAttempt: true,
    says: ({ id, name, needed }) =>
      `${quoteId(name)} has approved ${quoteId(id)} already, and ${needed} different people have to.`,
    hint: { program: 'Somebody else has to.', command: 'Somebody else has to (--operator, or $KILL_SWITCH_OPERATOR).' },
  },
};

import type { Decision } from '../flags/index.ts';

/** The outcome of one call. An error that `execute` throws is no outcome: it is rethrown unchanged. */
export type Outcome<Result> =
  | { readonly status: 'executed'; readonly decision: Decision; readonly result: Result }
  | { readonly status: 'redirected'; readonly decision: Decision; readonly result: Result }
  | { readonly status: 'drafted'; readonly decision: Decision; readonly draft: unknown }
  | { readonly status: 'held'; readonly decision: Decision; readonly approvalId: string; readonly expiresAt: string }
  | { readonly status: 'paused'; readonly decision: Decision }
  | { readonly status: 'blocked'; readonly decision: Decision }
  | { readonly status: 'aborted'; readonly decision: Decision; readonly landed: 'no' | 'unknown' };

/** What became of a call. */
export type OutcomeStatus = Outcome<unknown>['status'];

/** The statuses of a call that returned no result. */
export type StoppedStatus = Exclude<OutcomeStatus, 'executed' | 'redirected'>;

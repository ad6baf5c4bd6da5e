import type { Decision } from '../flags/index.ts';

/** What became of one call. What `execute` itself throws is rethrown as it is, and is no outcome. */
export type Outcome<Result> =
  | { readonly status: 'executed'; readonly decision: Decision; readonly result: Result }
  | { readonly status: 'redirected'; readonly decision: Decision; readonly result: Result }
  | { readonly status: 'drafted'; readonly decision: Decision; readonly draft: unknown }
  | { readonly status: 'held'; readonly decision: Decision; readonly approvalId: string; readonly expiresAt: string }
  | { readonly status: 'paused'; readonly decision: Decision }
  | { readonly status: 'blocked'; readonly decision: Decision }
  | { readonly status: 'aborted'; readonly decision: Decision; readonly landed: 'no' | 'unknown' };

export type OutcomeStatus = Outcome<unknown>['status'];

/** The statuses of a call that did not give its result. */
export type StoppedStatus = Exclude<OutcomeStatus, 'executed' | 'redirected'>;

import type { Decision } from '../flags/index.ts';

/** The outcome of one call. An error that `execute` throws is no outcome: it is rethrown unchanged. */
export type Outcome<Result> =
  | ({ readonly status: 'executed'; readonly decision: Decision; readonly result: Result } & Marks)
  | ({ readonly status: 'redirected'; readonly decision: Decision; readonly result: Result } & Marks)
  | { readonly status: 'drafted'; readonly decision: Decision; readonly draft: unknown }
  | { readonly status: 'held'; readonly decision: Decision; readonly approvalId: string; readonly expiresAt: string }
  | { readonly status: 'paused'; readonly decision: Decision }
  | { readonly status: 'blocked'; readonly decision: Decision }
  | { readonly status: 'aborted'; readonly decision: Decision; readonly landed: 'no' | 'unknown' };

/** What else is to be said of a call that has a result. */
export interface Marks {
  /**
   * Nothing was executed now: a call with this idempotency key has landed before, and this is what was recorded of its
   * result (undefined where that is no plain data, or longer than is kept).
   */
  readonly repeated?: true;
  /**
   * It has landed, and the journal could not be reached: until this is stored, this executor starts no other action
   * that is journaled.
   */
  readonly recorded?: false;
}

/** What became of a call. */
export type OutcomeStatus = Outcome<unknown>['status'];

/** The statuses of a call that returned no result. */
export type StoppedStatus = Exclude<OutcomeStatus, 'executed' | 'redirected'>;

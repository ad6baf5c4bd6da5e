import type { Attempt } from '../attempt.ts';
import type { Outcome } from '../outcome.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Refuses an attempt that a person would have to approve: this version has no approvals. */
export const refuseUnapproved = <Input, Result>(attempt: Attempt<Input, Result>): Outcome<Result> =>
  refuseUnsupported(attempt, 'approvals are not available in this version');

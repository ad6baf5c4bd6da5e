import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import type { Outcome } from '../outcome.ts';

/** Refuses an attempt that needs something which this version, or a switch without a store, does not have. */
export const refuseUnsupported = <Input, Result>(attempt: Attempt<Input, Result>, message: string): Outcome<Result> =>
  attempt.refuse(blocked(attempt.subject, faultCause('UNSUPPORTED', message), attempt.decision));

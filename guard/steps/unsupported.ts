import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import type { Outcome } from '../outcome.ts';

/** Ends an attempt that asks for what is not there: in this version, or without a store. */
export const refuseUnsupported = <Input, Result>(attempt: Attempt<Input, Result>, message: string): Outcome<Result> =>
  attempt.refuse(blocked(attempt.subject, faultCause('UNSUPPORTED', message), attempt.decision));

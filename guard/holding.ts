import type { Claimed, HeldCall } from './approvals.ts';
import type { Effective } from './effective.ts';
import type { GuardedSubject } from './subject.ts';

/** A request of a call. */
export interface HeldRequest {
  readonly id: string;
  /** Null: it was asked for elsewhere, and nobody has looked yet. */
  readonly expiresAt: string | null;
}

/** What people are asked about one attempt, and what came of it. It stays from round to round. */
export interface Holding<Input> {
  readonly call: HeldCall;
  /** The request; null: nobody was asked. */
  request: HeldRequest | null;
  /** The call as its request names it, once that is approved. */
  asked: GuardedSubject | null;
  /** What was approved: arguments of an approver's own, or those of the call once their approval is used. */
  input: Effective<Input> | undefined;
  /** The approval that is used. */
  claimed: Claimed | null;
  /** Standing approvals that are used up. */
  readonly tried: Set<string>;
  /** True once the caller was told the id, by which it may come again. */
  isLeft: boolean;
}

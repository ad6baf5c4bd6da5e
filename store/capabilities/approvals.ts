import type { AskedApproval, Beat, Head, KeptApproval, LogEvent } from '../../flags/index.ts';
import type { Confirmation } from '../confirmation.ts';

/** How many requests of one executor (in Redis: of one name) are open at most; a further one is refused. */
export const MOST_OPEN_APPROVALS = 10_000;

/** How long a request can still be looked up after it has expired, in milliseconds. */
export const APPROVALS_KEPT_MS = 86_400_000;

/** How a request, or one use of a standing approval, was ended by somebody else than the people who decide. */
export type ApprovalEnd = 'used' | 'cancelled' | 'expired';

/** What came of asking people. */
export type RequestAnswer =
  /** The same request, asked again, is answered as the first time. `at_ms`: when it was asked, by the store's clock. */
  | { readonly is: 'open'; readonly at_ms: number }
  /** This executor waits for too many people already. */
  | { readonly is: 'too many'; readonly most: number }
  /** Another request has this id. */
  | { readonly is: 'taken' };

/** What is to be claimed: a request that was approved, or a use of a standing approval. */
export interface ClaimAsked {
  /** Of the request, or of the standing approval. */
  readonly id: string;
  /** How often it can be claimed; null: once, being no standing approval. */
  readonly times: number | null;
  /** It cannot be claimed from then on, by the store's clock. */
  readonly until: string;
  /** Names this claim: asked again with the same one, whoever had it is told so again. */
  readonly use: string;
}

/** What came of a claim. */
export type ClaimAnswer =
  /** It is used from now on, whatever comes of it. `use`: which of the uses of a standing approval, from 1. */
  | { readonly is: 'claimed'; readonly use: number }
  /** `used`: by another claim, or (of a standing approval) as often as it may be. */
  | { readonly is: 'ended'; readonly as: ApprovalEnd };

/**
 * A claim and a confirmation are one step: the head of this very answer is applied before deciding, and a restriction
 * that came since the request then refuses the call.
 */
export interface Claim extends Confirmation {
  readonly claim: ClaimAnswer;
}

/** What an executor can see of a request that is not decided. */
export type FoundRequest =
  | { readonly is: 'open'; readonly expires_at: string }
  | { readonly is: 'ended'; readonly as: ApprovalEnd }
  | { readonly is: 'missing' };

/**
 * Asks people, and uses what they have approved: once. Decisions are events of the log, which no executor can write.
 * The store arbitrates who has claimed what, at one place for all executors.
 */
export interface Approvals {
  /** Durable before it resolves. @throws KillSwitchError INVALID_ARGUMENT, STORE_UNREACHABLE, STORE_READ_ONLY */
  request(asked: AskedApproval): Promise<RequestAnswer>;
  /** Whether it still waits, whoever has asked. */
  find(id: string): Promise<FoundRequest>;
  /** Ends it for good, where nobody has claimed it. Resolves to how it has ended. */
  end(id: string, as: Exclude<ApprovalEnd, 'used'>): Promise<ApprovalEnd>;
  /** Claims in one step with a confirmation. `nonce`: that of the confirmation, which the answer repeats. */
  claim(asked: ClaimAsked, confirming: { readonly beat: Beat; readonly nonce: string }): Promise<Claim>;
  /**
   * The events of the log after this one up to an epoch, oldest first; null where they are more than `most`.
   * @throws KillSwitchError
   */
  events(after: Pick<Head, 'epoch' | 'hash'>, upTo: number, most: number): Promise<readonly LogEvent[] | null>;
}

/** A request as an operator finds it. */
export interface ReportedApproval {
  readonly id: string;
  /** Null where it cannot be read; `problem` says why. */
  readonly request: KeptApproval | null;
  /** Who has written it, as far as the store knows. */
  readonly writer: string | null;
  /** How it has ended; null where nobody has claimed or ended it. */
  readonly end: ApprovalEnd | null;
  /** Why it cannot be decided. */
  readonly problem: string | null;
}

/** The requests that were found, and why there may be more. */
export interface ReportedApprovals {
  readonly requests: readonly ReportedApproval[];
  readonly problems: readonly string[];
}

/** What operators see of requests, and do for those that are over. They write neither requests nor claims. */
export interface ApprovalKeeper {
  /** Every request that is kept, in no order. */
  all(): Promise<ReportedApprovals>;
  /** The request of this id; null where there is none. */
  get(id: string): Promise<ReportedApproval | null>;
  /**
   * This connection's own user as `writer` names it, where that is somebody else than the owner of the store; null
   * where the store cannot tell: such a user cannot approve what was asked for under the same name.
   */
  readonly own: string | null;
  /** How many uses of a standing approval are claimed, of at most so many. */
  uses(id: string, times: number): Promise<number>;
  /** Ends these requests for good, where nobody has claimed them: their time is over, whatever a clock says later. */
  expire(ids: readonly string[]): Promise<void>;
  /** Removes requests that are over, and the claims of them and of these standing approvals. */
  forget(
    requests: readonly string[],
    standing?: ReadonlyArray<{ readonly id: string; readonly times: number }>,
  ): Promise<void>;
}

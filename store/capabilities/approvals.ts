import type { Beat } from '../../flags/index.ts';
import type { Confirmation } from '../confirmation.ts';

/** What a person is asked. The id makes it one request, however often it is sent. */
export interface ApprovalRequest {
  readonly id: string;
  readonly action: string;
  /** The input as JSON, without secrets, for a person to read. */
  readonly input: string;
  readonly input_hash: string;
  readonly description: string;
  readonly agent_id: string;
  readonly run_id: string;
  readonly mission_id: string | null;
  /** The epoch that was held when it was asked: what restricts it since then voids it. */
  readonly epoch: number;
  readonly expires_at: string;
  readonly approvals_needed: number;
}

/**
 * A request and what was decided. Decisions are events of the log, made by persons alone (`approve`, `reject`); that it
 * was used or given up is the executor's to write.
 */
export interface Approval extends ApprovalRequest {
  readonly status: 'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled' | 'used';
  readonly requested_at: string;
  readonly approvals_given: number;
}

/** A claim and a confirmation are one step: of two claims of one approval one is told that it has it. */
export interface Claim extends Confirmation {
  /**
   * `claimed`: it is used from now on, whatever comes of it. The head of this very answer is applied before deciding,
   * and a restriction that came since the request then refuses the call. `refused`: with the status that it has, or
   * `missing`, or `other_input`.
   */
  readonly claim:
    | { readonly is: 'claimed'; readonly approval: Approval }
    | { readonly is: 'refused'; readonly why: Exclude<Approval['status'], 'approved'> | 'missing' | 'other_input' };
}

/** Asks persons, and uses what they have approved: once, for exactly that input, before it expires. */
export interface Approvals {
  request(request: ApprovalRequest): Promise<Approval>;
  /** Null: there is none. */
  get(id: string): Promise<Approval | null>;
  /** The asker no longer waits. Changes nothing once it is decided. */
  cancel(id: string): Promise<void>;
  /**
   * Uses an approval, in one step with a confirmation. The nonce is that of the confirmation, and names the claim:
   * asked again with it, whoever had the approval is told so again.
   */
  claim(
    approval: Pick<ApprovalRequest, 'id' | 'input_hash'>,
    asked: { readonly beat: Beat; readonly nonce: string },
  ): Promise<Claim>;
}

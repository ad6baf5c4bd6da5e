import type { Beat, Mode } from '../flags/index.ts';
import type { Confirmation } from './ports.ts';

/*
 * What drivers will keep beside the switch itself. A driver that has one of these gives it as a member of its
 * connection (`readonly journal: Journal | null`); one that lacks it says null there. What is true of all of them:
 *
 * - An id that the asker has chosen makes each request one that may be asked again: it then changes nothing, and is
 *   answered as the first time. So an answer that was lost is asked for again, never assumed.
 * - The store decides who was first, at one place: docs/ARCHITECTURE.md, "Ports for what comes", says where in each.
 * - What is written is durable (and replicated, where replicas are required) before it resolves.
 * - An executor writes under its own name only, and no operator writes what an executor says of itself.
 * - A store that is away makes each request reject with STORE_UNREACHABLE, one that takes no writes with
 *   STORE_READ_ONLY, both within the connection's `requestTimeoutMs`. It is then not known whether it was written.
 *   Whoever asked blocks: none of these has a default that lets a call through.
 * - Times are the store's, RFC 3339 UTC. Texts that an executor has written are bounded where they are written, and are
 *   read as anybody's.
 */

/** One effect that is about to be tried. A key has one intent, for ever. */
export interface JournalIntent {
  /** Chosen by the caller, or made for the call: 1 to 512 characters. */
  readonly idempotency_key: string;
  readonly run_id: string;
  readonly agent_id: string;
  readonly mission_id: string | null;
  readonly action: string;
  /** SHA-256 of the canonical input, in hex: a key that comes with another input is another caller's mistake. */
  readonly input_hash: string;
}

/** What has landed: what the call is answered with when it comes again, and how it can be taken back. */
export interface JournalLanding {
  /** As JSON, without secrets; at most 256 KiB. */
  readonly result: string;
  /** The input of the action's reverse operation, as JSON; null: it cannot be taken back. */
  readonly reverse: string | null;
}

/** What became of an intent. Without an end it is `intended`, which whoever finds it reads as `unknown`. */
export type JournalState = 'intended' | 'landed' | 'failed' | 'not_started' | 'unknown';

export interface JournalEntry extends JournalIntent {
  readonly state: JournalState;
  /** When it came into this state. */
  readonly at: string;
  /** Null unless it has landed. */
  readonly landing: JournalLanding | null;
}

/** Intents and what became of them: an executor's, so that no effect is tried twice and each can be found again. */
export interface Journal {
  /** Durable before `execute` starts. `existing`: somebody has intended this key before, so nothing is executed. */
  intend(
    intent: JournalIntent,
  ): Promise<{ readonly is: 'new' } | { readonly is: 'existing'; readonly entry: JournalEntry }>;
  /** It has landed; accepted from `intended` and, however late, from `unknown`. The first landing stays. */
  land(idempotencyKey: string, landing: JournalLanding): Promise<void>;
  /** It has ended otherwise; accepted from `intended` only, and after any other end nothing happens. */
  end(idempotencyKey: string, state: 'failed' | 'not_started' | 'unknown'): Promise<void>;
  /**
   * What this run has intended, oldest first. What an operator has said of an entry since is in the log (`resolve`).
   */
  entriesOf(runId: string): Promise<readonly JournalEntry[]>;
}

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

/** An amount that a call may come to, set aside before it starts. */
export interface Reservation {
  readonly id: string;
  /** What is counted together: a budget's scope, as in `agent:returns-bot`, `run:r-1`, `day`. */
  readonly scope: string;
  readonly type: 'usd' | 'tokens' | 'calls';
  /** A whole number: millionths of a dollar, tokens, or calls. Sums of them are exact. */
  readonly amount: number;
  /** The wall, in the same unit, as the state that the asker holds has it. */
  readonly limit: number;
  /** Windows begin at multiples of this by the store's clock, in milliseconds; null: one window without an end. */
  readonly window_ms: number | null;
  /** What was reserved before this epoch does not count: an operator has lifted the stop of this budget there. */
  readonly since_epoch: number;
}

/** Counts what is spent, across all processes. A reservation that nobody settles counts in full. */
export interface Ledger {
  /**
   * Reserves if it fits below the limit, with all that is reserved and settled in this window; else nothing changes.
   */
  reserve(
    reservation: Reservation,
  ): Promise<{ readonly is: 'reserved' } | { readonly is: 'over'; readonly spent: number; readonly limit: number }>;
  /** What it really came to, into the window in which it was reserved; more than reserved is counted too. Once. */
  settle(reservationId: string, amount: number): Promise<void>;
  /** It counts nothing: only for a call that has not started. Once, and not after `settle`. */
  release(reservationId: string): Promise<void>;
}

/** A restriction that an executor has put on itself or on what it runs. Only a person lifts it, in the log. */
export interface Stop {
  readonly id: string;
  readonly target: string;
  readonly mode: Mode;
  readonly by: 'executor' | 'budget' | 'tripwire';
  /** At most 2000 characters. */
  readonly reason: string | null;
}

/** A stop as it is kept: when it came by the store's clock, and who has written it as far as the store knows. */
export interface KeptStop extends Stop {
  readonly at: string;
  readonly writer: string | null;
  /** Why it cannot be read; null where it can. Such a stop restricts its writer, and nobody else. */
  readonly problem: string | null;
}

/**
 * The stops of executors: each adds to a list of its own, and nobody takes anything from it. Readers take them into
 * account at once; a control process copies them into the log, as `system`, and those are in the list no longer.
 */
export interface Stops {
  add(stop: Stop): Promise<void>;
  /** Of all executors, oldest first, at most 10,000 of each; what was left out is said as a `problem`. */
  list(): Promise<readonly KeptStop[]>;
}

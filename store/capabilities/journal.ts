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
export type JournalState =
  | { readonly state: 'landed'; readonly landing: JournalLanding }
  | { readonly state: 'intended' | 'failed' | 'not_started' | 'unknown' };

/** `at`: when it came into this state, by the store's clock. */
export type JournalEntry = JournalIntent & JournalState & { readonly at: string };

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

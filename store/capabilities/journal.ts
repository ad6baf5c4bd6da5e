/**
 * One attempt at one effect, written before it is tried. Of one attempt of a key there is one intent, for ever, in the
 * whole organization: whoever intends it second is answered with the first.
 */
export interface JournalIntent {
  /** A UUID for this very intent. The same request, asked again because its answer was lost, has it too. */
  readonly id: string;
  /** Chosen by the caller, or made for the call: 1 to 512 characters. */
  readonly idempotency_key: string;
  /** 1; one more for each time that this key may be tried again. */
  readonly attempt: number;
  /** Null: outside any run. */
  readonly run_id: string | null;
  readonly agent_id: string | null;
  readonly mission_id: string | null;
  readonly action: string;
  /** SHA-256 of the canonical input, in hex: a key that comes with another input is another piece of work. */
  readonly input_hash: string;
  /** The approval that it uses; null: it needs none. */
  readonly approval_id: string | null;
  /** What is set aside for it in budgets. Absent: nothing. */
  readonly reservation_id?: string | undefined;
  /** Whose child it was, so that what stops a parent stops what undoes this. Absent: nobody's. */
  readonly lineage?: JournalLineage | undefined;
  /** Present where a rollback has intended it. */
  readonly rollback?: RollbackMark | undefined;
}

/** All parents of whoever has intended something. */
export interface JournalLineage {
  readonly agents: readonly string[];
  readonly missions: readonly string[];
  readonly runs: readonly string[];
}

/** The rollback that has intended something, and what that undoes. */
export interface RollbackMark {
  /** The rollback's id in the log. */
  readonly id: string;
  /** Who has asked for it, as the log has it. */
  readonly asked_by: string;
  /** The id of the intent that it undoes; null: it is the rollback itself. */
  readonly undoes: string | null;
}

/** Names an intent when its end is written. */
export type IntentMark = Pick<JournalIntent, 'id' | 'idempotency_key' | 'attempt' | 'run_id'>;

/** How what has landed is undone: by that action with this input, as JSON; or why it cannot be undone. */
export type Reversal =
  | { readonly is: 'reversible'; readonly action: string; readonly input: string | null }
  | { readonly is: 'not_reversible'; readonly why: string };

/** What has landed: what the call is answered with when it comes again, and how it is undone. */
export interface Landing {
  /** As JSON, without secrets; null: there was none, or none that can be kept. */
  readonly result: string | null;
  /** Landed at the safe destination of `test_mode`. */
  readonly redirected: boolean;
  readonly reverse: Reversal;
}

/** What an executor says of an intent of its own. */
export type JournalEnd =
  | { readonly state: 'landed'; readonly landing: Landing }
  /** `why`: what is known of it, where a rollback has intended it. */
  | { readonly state: 'failed' | 'not_started' | 'unknown'; readonly why?: string | undefined };

/** What became of an intent. `intended`: nothing is known of its end, which whoever finds it reads as `unknown`. */
export type JournalState = JournalEnd | { readonly state: 'intended' };

/** An intent with what became of it, as a store keeps it. */
export type JournalEntry = JournalIntent &
  JournalState & {
    readonly executor_id: string;
    readonly executor_name: string;
    /** When it was intended, by the store's clock. */
    readonly intended_at: string;
    /** When it came into its state, by the store's clock. */
    readonly at: string;
    /**
     * In the entries of a run, where the store knows more of the order than its clock says: sorts them with those of
     * other runs. Absent: nothing but `intended_at` does.
     */
    readonly order?: string | undefined;
  };

/**
 * The answer to an intent. `existing`: this key was intended before. The entry is that of its first attempt that has
 * landed; else of the first, from the intended one on, that may have started; else of the last.
 */
export type Intended = { readonly is: 'new' } | { readonly is: 'existing'; readonly entry: JournalEntry };

/** A part of a list. */
export interface JournalPage {
  readonly skip: number;
  readonly limit: number;
}

/** Reads what executors have intended, and what became of it. */
export interface JournalReader {
  /** The runs with intents, those whose first intent is the newest first; null stands for outside any run. */
  runs(page: JournalPage): Promise<{ readonly data: ReadonlyArray<string | null>; readonly count: number }>;
  /** What this run has intended, oldest first. */
  entriesOf(
    runId: string | null,
    page: JournalPage,
  ): Promise<{ readonly data: readonly JournalEntry[]; readonly count: number }>;
  /** All attempts of a key, the first one first. */
  attemptsOf(idempotencyKey: string): Promise<readonly JournalEntry[]>;
}

/**
 * Intents and what became of them, so that no effect is tried twice and each can be found again. What is written is on
 * the disk (and replicated, where replicas are required) when it resolves.
 */
export interface Journal extends JournalReader {
  /** `new`: this very intent is the first of its attempt, and `execute` may start. */
  intend(intent: JournalIntent): Promise<Intended>;
  /**
   * Writes the end of an intent of this executor's own. `landed` is accepted of what is intended and, however late, of
   * what is unknown; any other end only of what is intended. Else nothing changes. Resolves to false where there is no
   * such intent: the store has lost it, or it is another executor's.
   */
  end(mark: IntentMark, end: JournalEnd): Promise<boolean>;
}

/** What an operator does with journals. */
export interface JournalKeeper extends JournalReader {
  /**
   * Removes what is no longer needed: what has ended before `ended`, and what was intended before `intended`, whatever
   * became of it; both RFC 3339 UTC. Resolves to how many entries were removed.
   */
  forget(before: { readonly ended: string; readonly intended: string }): Promise<number>;
}

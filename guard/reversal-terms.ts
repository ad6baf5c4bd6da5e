import type { JournalIntent, RollbackMark } from '../store/capabilities/journal.ts';

/** What an attempt that undoes something has beside others. */
export interface ReversalTerms {
  /** What its intent says of the rollback. */
  readonly mark: RollbackMark;
  /** Of the input that the journal has kept, whatever a schema makes of that. */
  readonly inputHash: string;
  /** Called when its intent is written. */
  readonly onIntended: (intent: JournalIntent) => void;
  /** What is kept of what `execute` has thrown. */
  readonly whyOf: (error: unknown) => string;
}

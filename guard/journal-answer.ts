import type { JournalEntry, Landing, RollbackMark } from '../store/capabilities/journal.ts';

/** What an operator has found out about an intent without a known end. */
export type Resolution = 'landed' | 'not_landed';

/** What is asked of the journal, and by which action. */
export interface Asked {
  readonly action: string;
  readonly input_hash: string;
  readonly idempotent: boolean;
  /** The rollback that asks; default: none. */
  readonly rollback?: Pick<RollbackMark, 'id'> | undefined;
}

/** What a key that was intended before means for a call that comes with it. */
export type JournalAnswer =
  /** What it stands for has not landed, or may be tried again: the next attempt may be intended. */
  | { readonly is: 'again' }
  /** Null: an operator says that it has landed, and nothing was recorded of it. */
  | { readonly is: 'landed'; readonly landing: Landing | null }
  | { readonly is: 'unknown' }
  /** The key stands for something else. */
  | { readonly is: 'reused'; readonly what: string };

/**
 * What the last attempt under a key means for the next call with that key. Nothing that may have landed is tried again:
 * also not what has failed, since an effect may be there although the call that made it has thrown. Two may say
 * otherwise: the action (`idempotent`), and an operator who has looked.
 */
export function answerOf(entry: JournalEntry, asked: Asked, resolution: Resolution | null): JournalAnswer {
  if (entry.action !== asked.action) return { is: 'reused', what: `by the action ${entry.action}` };
  if (entry.input_hash !== asked.input_hash) return { is: 'reused', what: 'with another input' };
  if (entry.state === 'landed') return { is: 'landed', landing: entry.landing };
  if (entry.state === 'not_started') return { is: 'again' };
  if (resolution === 'landed') return { is: 'landed', landing: null };
  if (resolution === 'not_landed' || asked.idempotent) return { is: 'again' };
  // What undoes something has said that it failed, and a person who was told so asks for it again.
  const isAskedAgain = asked.rollback !== undefined && asked.rollback.id !== entry.rollback?.id;
  return entry.state === 'failed' && isAskedAgain ? { is: 'again' } : { is: 'unknown' };
}

import type { JournalEntry, JournalState } from './capabilities/journal.ts';

/**
 * How the life of an attempt goes on once it has landed. `reversing`: what undoes it is intended, and how that ends is
 * not known yet; `unknown`: it may be undone, and nobody knows.
 */
export type ReversalState = 'landed' | 'reversing' | 'reversed' | 'not_reversible' | 'reverse_failed' | 'unknown';

/** What happens to it: nothing can undo it, or what is to undo it was intended, and ended so. */
export type ReversalEvent = 'not_reversible' | JournalState['state'];

/** From each state, where each event leads; an event that is not named changes nothing. */
const NEXT: Readonly<Record<ReversalState, Readonly<Partial<Record<ReversalEvent, ReversalState>>>>> = {
  landed: { not_reversible: 'not_reversible', intended: 'reversing' },
  reversing: { landed: 'reversed', failed: 'reverse_failed', not_started: 'reverse_failed', unknown: 'unknown' },
  // Late, but it has landed; or it is tried once more, because its action is idempotent or a person says so.
  unknown: { landed: 'reversed', intended: 'reversing' },
  reverse_failed: { intended: 'reversing' },
  not_reversible: {},
  reversed: {},
};

/** The one transition of what has landed. */
const afterLanding = (state: ReversalState, event: ReversalEvent): ReversalState => NEXT[state][event] ?? state;

/** The key of what undoes an intent: the journal lets it run once, whichever rollback asks for it. */
export const reversalKey = (intent: string): string => `reverse:${intent}`;

/**
 * The key of a rollback itself, as one event has asked for it: an executor that takes over, also one that had performed
 * it before, has a key of its own, so that no end of an earlier one is taken for its end.
 */
export const rollbackKey = ({ id, epoch }: { readonly id: string; readonly epoch: number }): string =>
  `rollback:${id}:${epoch}`;

/** True for a key as rollbacks have them: what a call wrote under one would stand in the way of a rollback for good. */
export const isOwnKey = (key: string): boolean => key.startsWith('reverse:') || key.startsWith('rollback:');

/** How far something is undone. */
export interface Undone {
  readonly state: ReversalState;
  /** The last try to undo it; null: there was none. */
  readonly last: JournalEntry | null;
}

/** What an operator has said of an intent by its id; undefined: nothing. */
export type Said = (intent: string) => { readonly landed: boolean } | undefined;

/**
 * How far what has landed is undone, by the attempts under its reversal's key, the first one first. A person's word
 * counts where the executor that tried has said nothing.
 */
export function undoneBy(attempts: readonly JournalEntry[], said: Said): Undone {
  let state: ReversalState = 'landed';
  let last: JournalEntry | null = null;
  for (const attempt of attempts) {
    const word = attempt.state === 'landed' || attempt.state === 'not_started' ? undefined : said(attempt.id);
    if (word?.landed === false) {
      if (state !== 'reversed') [state, last] = ['landed', attempt];
      continue;
    }
    if (state === 'reversed') break;
    state = afterLanding(state === 'reversing' ? 'unknown' : state, 'intended');
    if (attempt.state !== 'intended' || word) state = afterLanding(state, word ? 'landed' : attempt.state);
    last = attempt;
  }
  return { state, last };
}

/** What is said of a reverse operation that has not ended in its time. */
export const notEnded = (ms: number): string =>
  `${NOT_ENDED} ${ms} ms, and was told to stop: it may undo it yet. Look whether it has, then say so (kill-switch runs resolve), or ask again where its action is idempotent`;

const NOT_ENDED = 'its reverse operation has not ended within';

/** True for what is known of a reverse operation that has not ended in its time. */
export const isNotEnded = (why: string): boolean => why.startsWith(NOT_ENDED);

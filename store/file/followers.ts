import { type Head, messageOf } from '../../flags/index.ts';
import { sameHead } from '../answers.ts';
import type { Push } from '../ports.ts';
import type { Advance } from './advance.ts';

/**
 * What was pushed to followers: where the log stood after the last advance (null before the first), and the trouble
 * that has not ended.
 */
export interface Told {
  readonly at: { readonly head: Head | null } | null;
  readonly trouble: string | null;
}

export const NOTHING_TOLD: Told = { at: null, trouble: null };

/** What is pushed after an advance that has come to this head. */
export function pushesOf(advance: Advance, head: Head | null, told: Told): readonly Push[] {
  const events = advance.is === 'anew' ? [] : advance.events;
  const pushes: Push[] = events === 'many' ? [] : events.map((event) => ({ type: 'event', event }));
  if (advance.is === 'failed') return pushes; // the events before a torn line count
  // The log was read for the first time, or is another file: the events between the two heads were not pushed.
  const missed = advance.is === 'anew' && (told.at === null || !sameHead(told.at.head, head));
  if (missed || told.trouble !== null || events === 'many') pushes.push({ type: 'gap' });
  return pushes;
}

/** The followers of a log, and what was pushed to them. */
export class Followers {
  readonly #listeners = new Set<(push: Push) => void>();
  #told = NOTHING_TOLD;

  get count(): number {
    return this.#listeners.size;
  }

  /** The returned function ends it. */
  add(listener: (push: Push) => void): () => void {
    const own = (push: Push): void => listener(push); // the same function may follow twice, and then ends twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Removes all followers. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Pushes what came of an advance. */
  tellAdvance(advance: Advance, head: Head | null): void {
    const pushes = pushesOf(advance, head, this.#told);
    if (advance.is !== 'failed') this.#told = { at: { head }, trouble: null };
    for (const push of pushes) this.#tell(push);
  }

  /** Pushes trouble, once until it ends. */
  tellTrouble(error: unknown): void {
    const trouble = messageOf(error);
    if (trouble === this.#told.trouble) return;
    this.#told = { ...this.#told, trouble };
    this.#tell({ type: 'trouble', error: error instanceof Error ? error : new Error(trouble) });
  }

  #tell(push: Push): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(push);
      } catch {
        // A follower that throws must not keep the push from the others, nor fail the request that has read the log.
      }
    }
  }
}

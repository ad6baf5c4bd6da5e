import { type Head, messageOf } from '../../flags/index.ts';
import { sameHead } from '../answers.ts';
import type { Push } from '../ports.ts';
import type { Advance } from './advance.ts';

/**
 * What was pushed to followers: where the log stood after the last advance (null before the first), and the trouble
 * that has not ended.
 */
export interface Pushed {
  readonly at: { readonly head: Head | null } | null;
  readonly trouble: string | null;
}

export const NOTHING_PUSHED: Pushed = { at: null, trouble: null };

/** What is pushed after an advance that has come to this head. */
export function pushesOf(advance: Advance, head: Head | null, pushed: Pushed): readonly Push[] {
  const events = advance.is === 'anew' ? [] : advance.events;
  const pushes: Push[] = events === 'many' ? [] : events.map((event) => ({ type: 'event', event }));
  if (advance.is === 'failed') return pushes; // the events before a torn line count
  // The log was read for the first time, or is another file: the events between the two heads were not pushed.
  const missed = advance.is === 'anew' && (pushed.at === null || !sameHead(pushed.at.head, head));
  if (missed || pushed.trouble !== null || events === 'many') pushes.push({ type: 'gap' });
  return pushes;
}

/** The followers of a log, and what was pushed to them. */
export class Followers {
  readonly #listeners = new Set<(push: Push) => void>();
  #pushed = NOTHING_PUSHED;

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
  pushAdvance(advance: Advance, head: Head | null): void {
    const pushes = pushesOf(advance, head, this.#pushed);
    if (advance.is !== 'failed') this.#pushed = { at: { head }, trouble: null };
    for (const push of pushes) this.#push(push);
  }

  /** Pushes trouble, once until it ends. */
  pushTrouble(error: unknown): void {
    const trouble = messageOf(error);
    if (trouble === this.#pushed.trouble) return;
    this.#pushed = { ...this.#pushed, trouble };
    this.#push({ type: 'trouble', error: error instanceof Error ? error : new Error(trouble) });
  }

  #push(push: Push): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(push);
      } catch {
        // A follower that throws must not keep the push from the others, nor fail the request that has read the log.
      }
    }
  }
}

import { type Head, messageOf } from '../../flags/index.ts';
import { sameHead } from '../answers.ts';
import type { Push } from '../ports.ts';
import type { Advance } from './advance.ts';

/**
 * What followers have been told: where the log stood after the last advance (null before the first), and of what
 * trouble that has not ended.
 */
export interface Told {
  readonly at: { readonly head: Head | null } | null;
  readonly trouble: string | null;
}

export const NOTHING_TOLD: Told = { at: null, trouble: null };

/** What followers are to be told of an advance, which has come to that head. */
export function pushesOf(advance: Advance, head: Head | null, told: Told): readonly Push[] {
  const events = advance.is === 'anew' ? [] : advance.events;
  const pushes: Push[] = events === 'many' ? [] : events.map((event) => ({ type: 'event', event }));
  if (advance.is === 'failed') return pushes; // what stands before a torn line counts
  // Read for the first time, or another file: what lies between was not pushed.
  const missed = advance.is === 'anew' && (told.at === null || !sameHead(told.at.head, head));
  if (missed || told.trouble !== null || events === 'many') pushes.push({ type: 'gap' });
  return pushes;
}

/** Who follows a log, and what they have been told of it. */
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

  /** Ends it for all of them. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Tells what came of an advance. */
  tellAdvance(advance: Advance, head: Head | null): void {
    const pushes = pushesOf(advance, head, this.#told);
    if (advance.is !== 'failed') this.#told = { at: { head }, trouble: null };
    for (const push of pushes) this.#tell(push);
  }

  /** Tells of trouble, once until it ends. */
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
        // A follower that throws must keep neither the others from hearing nor the request that read this from its
        // answer.
      }
    }
  }
}

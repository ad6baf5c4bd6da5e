import { invalid, type SurfaceRecord } from '../flags/index.ts';
import { keysOf } from '../flags/table.ts';
import type { NormalisedAction } from './action.ts';

type Terms = Omit<SurfaceRecord, 'last_used'>;

const termsOf = <Input, Result>(action: NormalisedAction<Input, Result>): Terms => ({
  action: action.name,
  effect: action.effect,
  surface: action.surface,
  feature: action.feature ?? null,
  irreversible: action.irreversible,
  draft: action.draft !== undefined,
  redirect: action.redirect !== undefined,
  reverse: action.reverse !== undefined,
  limits: Object.keys(action.limits ?? {}).sort(),
});

/** Every action of this process, with its surface and when it was last used. */
export class Registry {
  readonly #entries = new Map<string, { readonly terms: Terms; lastUsed: number | null }>();
  readonly #onNew: () => void;
  #changed = false;

  /** @param onNew called when an action was added */
  constructor(onNew: () => void) {
    this.#onNew = onNew;
  }

  /**
   * @throws KillSwitchError INVALID_ARGUMENT when an action of that name has another definition: a restriction of one
   * would not fit the other
   */
  register<Input, Result>(action: NormalisedAction<Input, Result>): () => void {
    const terms = termsOf(action);
    const before = this.#entries.get(action.name);
    if (before && JSON.stringify(before.terms) !== JSON.stringify(terms)) {
      const field = keysOf(terms).find((key) => JSON.stringify(terms[key]) !== JSON.stringify(before.terms[key]));
      throw invalid(
        `There is another action named ${JSON.stringify(action.name)} in this process, with a different definition (${field}). Give one of them another name.`,
      );
    }
    const entry = before ?? { terms, lastUsed: null };
    this.#entries.set(action.name, entry);
    this.#changed = true;
    this.#onNew();
    return () => {
      entry.lastUsed = Date.now();
      this.#changed = true;
    };
  }

  /** All surfaces for the next report; null when nothing has changed since the last call. */
  take(): readonly SurfaceRecord[] | null {
    if (!this.#changed) return null;
    this.#changed = false;
    return this.list();
  }

  /** All surfaces, changed or not. */
  list(): readonly SurfaceRecord[] {
    return [...this.#entries.values()].map(({ terms, lastUsed }) => ({
      ...terms,
      last_used: lastUsed === null ? null : new Date(lastUsed).toISOString(),
    }));
  }
}

import { canonicalize } from 'json-canonicalize';
import type { Entry } from './entries.ts';
import { isStricter } from './modes.ts';
import type { ActiveKill } from './records.ts';

// When an event adds something, and when the state is so already. Planning and the fold ask the same.

/** How much authority a kill leaves, and until when; null is never. */
export type KillTerms = Pick<ActiveKill, 'mode' | 'expires_at'>;

/** The later of two ends; null is never. */
export const laterEnd = (a: string | null, b: string | null): string | null =>
  a === null || b === null ? null : a > b ? a : b;

/** What two kills of one target come to: the stricter mode, and the later end. */
export const bothKills = (active: KillTerms, added: KillTerms): KillTerms => ({
  mode: isStricter(active.mode, added.mode) ? active.mode : added.mode,
  expires_at: laterEnd(active.expires_at, added.expires_at),
});

/** True for a kill that leaves less of its target than the one that is there, or lasts longer. */
export function killAdds(active: KillTerms | undefined, added: KillTerms): boolean {
  if (!active) return true;
  const both = bothKills(active, added);
  return both.mode !== active.mode || both.expires_at !== active.expires_at;
}

type BaseMode = Pick<Entry<'mode'>, 'mode' | 'targeting'>;

/**
 * True for the same base mode. The order in which a rule's members stand means nothing: events are kept in canonical
 * form, so whoever folds a log finds another order than whoever gave the rule.
 */
export const sameBaseMode = (a: BaseMode, b: BaseMode): boolean =>
  a.mode === b.mode && canonicalize(a.targeting) === canonicalize(b.targeting);

import { MultiProvider, type Provider } from '@openfeature/server-sdk';
import { judgesItself, noteOwnJudgement } from './own-judgement.ts';

/** An entry in a `MultiProvider`'s list of sources. */
type SourceEntry = MultiProvider['providerEntries'][number];

/**
 * A strategy with this method is handed the sources of its `MultiProvider` before they are initialised, and may put
 * others in their place.
 */
export const TAKES_SOURCES = Symbol.for('openfeature-kill-switch.takes-sources');
const HANDS_OVER = Symbol.for('openfeature-kill-switch.hands-over-sources');

type TakesSources = { readonly [TAKES_SOURCES]: (sources: readonly SourceEntry[]) => void };

const takesSources = (member: unknown): member is TakesSources =>
  typeof member === 'object' && member !== null && typeof Reflect.get(member, TAKES_SOURCES) === 'function';

/**
 * Patches `MultiProvider.prototype.initialize`, once in a process: from then on every `MultiProvider` hands its sources
 * over to its strategy before it initialises them. Otherwise a strategy sees a source only when a flag is asked for:
 * too late to give the asking a deadline, and without a sign of an `initialize` that failed. The entries of a
 * `MultiProvider` are public, and its strategy is one of its members, so this needs no private names. Nothing changes
 * for other strategies.
 */
export function handOverSources(): void {
  const { initialize } = MultiProvider.prototype;
  if (HANDS_OVER in initialize) return;
  const handingOver: typeof initialize = function (this: MultiProvider, ...given) {
    for (const member of Object.values(this)) {
      if (!takesSources(member)) continue;
      member[TAKES_SOURCES](this.providerEntries);
      // Such a strategy asks each source, also a stale one, and each answers by its own lease.
      const isOwn = Object.getPrototypeOf(this) === MultiProvider.prototype;
      if (isOwn && this.providerEntries.every(({ provider }) => judgesItself(provider))) noteOwnJudgement(this);
    }
    return initialize.apply(this, given);
  };
  MultiProvider.prototype.initialize = Object.assign(handingOver, { [HANDS_OVER]: true });
}

/** Puts another provider in the place of a source; where that cannot be done the source stays. */
export const replaceSource = (entry: SourceEntry, by: Provider): boolean => Reflect.set(entry, 'provider', by);

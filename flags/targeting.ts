import type { Entry } from './entries.ts';
import { isMode, MODES, type Mode, SAFE_MODE } from './modes.ts';
import { RuledValues, type ValueRule } from './ruled-values.ts';
import type { StoreNow } from './store-time.ts';
import { tableOf } from './table.ts';

const BASE_MODES = new RuledValues<Mode, Entry<'mode'>>({
  values: MODES,
  safe: SAFE_MODE,
  isValue: isMode,
  of: ({ mode, targeting }) => ({ value: mode, targeting }),
});

/** Every mode as a flagd variant of its own name. */
export const MODE_VARIANTS: Readonly<Record<Mode, Mode>> = tableOf(MODES, (mode) => mode);

/** The base mode's rule, for direct resolution and for compiling alike. */
export const baseRule = (entry: Entry<'mode'>): ValueRule<Mode> => BASE_MODES.ruleOf(entry);

/** True when the base mode may become another one with the time alone. */
export const asksForTime = (entry: Entry<'mode'>): boolean => BASE_MODES.asksForTime(entry);

/** The base mode for a context; whatever is wrong with its rule is `full_stop`, and so is a time that is not known. */
export const evaluateTargeting = (
  entry: Entry<'mode'>,
  context: Readonly<Record<string, unknown>>,
  now: StoreNow,
): Mode => (entry.targeting === null ? entry.mode : BASE_MODES.evaluate(entry, context, now)); // most have no rule

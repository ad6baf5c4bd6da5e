import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import { MODE_FLAG } from './catalogue.ts';
import { definitionProblems, QUIET_LOGGER } from './flagd-schema.ts';
import { is, isOneOf, type JsonLogic } from './json-logic.ts';
import { isMode, MODES, type Mode, SAFE_MODE } from './modes.ts';
import type { Entry } from './entries.ts';

/** Every mode as a flagd variant of its own name. */
export const MODE_VARIANTS: Readonly<Record<Mode, Mode>> = Object.fromEntries(
  MODES.map((mode) => [mode, mode]),
) as Record<Mode, Mode>;

/** The base mode as a rule of targeting beside the mode where that answers nothing; without a rule (null) it is the same for everyone. */
export interface BaseRule {
  readonly rule: JsonLogic | null;
  readonly mode: Mode;
}

interface Base extends BaseRule {
  readonly core: FlagdCore | null;
}

// One evaluator for each base mode that has targeting; it goes when its entry goes.
const bases = new WeakMap<Entry<'mode'>, Base>();

/** The base mode's rule, for direct resolution and for compiling alike; one that flagd's schema or evaluator refuses is `full_stop`. */
export const baseRule = (entry: Entry<'mode'>): BaseRule => baseOf(entry);

function baseOf(entry: Entry<'mode'>): Base {
  let base = bases.get(entry);
  if (!base) {
    base = readBase(entry);
    bases.set(entry, base);
  }
  return base;
}

function readBase({ mode, targeting }: Entry<'mode'>): Base {
  if (targeting === null || targeting === undefined || isEmpty(targeting)) return { rule: null, mode, core: null };
  if (definitionProblems(definition(mode, targeting)).length > 0) return { rule: null, mode: SAFE_MODE, core: null };
  const rule = targeting as JsonLogic;
  const core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
  // Exactly a mode or nothing: flagd-core alone would take the list ["live"] for the text.
  core.setConfigurations(definition(mode, { if: [is(rule, null), null, isOneOf(rule, MODES), rule, SAFE_MODE] }));
  return { rule, mode, core };
}

const isEmpty = (targeting: unknown): boolean =>
  typeof targeting === 'object' && targeting !== null && Object.keys(targeting).length === 0;

const definition = (mode: Mode, targeting: unknown): string =>
  JSON.stringify({
    flags: { [MODE_FLAG]: { state: 'ENABLED', variants: MODE_VARIANTS, defaultVariant: mode, targeting } },
  });

/** The base mode for a context, by flagd's own evaluator; whatever is wrong with the rule is `full_stop`. */
export function evaluateTargeting(entry: Entry<'mode'>, context: Readonly<Record<string, unknown>>): Mode {
  try {
    const { mode, core } = baseOf(entry);
    if (!core) return mode;
    const { value } = core.resolveStringEvaluation(MODE_FLAG, SAFE_MODE, context as never);
    return isMode(value) ? value : SAFE_MODE;
  } catch {
    return SAFE_MODE; // every way for a rule to fail is the safe value: this is the decision, not a swallowed error
  }
}

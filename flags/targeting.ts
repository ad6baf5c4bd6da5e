import { definitionProblems } from './flagd-schema.ts';
import { is, isOneOf, type JsonLogic } from './json-logic.ts';
import { isMode, MODES, type Mode, SAFE_MODE } from './modes.ts';
import type { Entry } from './entries.ts';
import { definitionOf, OwnEvaluator } from './own-evaluator.ts';
import { isNoRule, readRule } from './rule-grammar.ts';
import type { Kind } from './rule-kinds.ts';
import type { StoreNow } from './store-time.ts';
import { tableOf } from './table.ts';

/** Every mode as a flagd variant of its own name. */
export const MODE_VARIANTS: Readonly<Record<Mode, Mode>> = tableOf(MODES, (mode) => mode);

/**
 * The base mode: a targeting rule, and the mode that counts where the rule gives no answer. Without a rule (null) the
 * mode is the same for everyone.
 */
export interface BaseRule {
  readonly rule: JsonLogic | null;
  readonly mode: Mode;
  /** The rule counts only where each of these attributes is absent or of these kinds; else it is `full_stop`. */
  readonly attributes: ReadonlyMap<string, readonly Kind[]>;
}

interface Base extends BaseRule {
  readonly evaluator: OwnEvaluator | null;
}

// One evaluator for each base mode that has targeting, garbage collected with its entry.
const bases = new WeakMap<Entry<'mode'>, Base>();

/**
 * The base mode's rule, for direct resolution and for compiling alike. It is `full_stop` where flagd's schema or
 * evaluator refuses the rule, and where `readRule` says that evaluators would not agree on it.
 */
export const baseRule = (entry: Entry<'mode'>): BaseRule => baseOf(entry);

function baseOf(entry: Entry<'mode'>): Base {
  let base = bases.get(entry);
  if (!base) {
    base = readBase(entry);
    bases.set(entry, base);
  }
  return base;
}

const NO_RULE = { rule: null, attributes: new Map(), evaluator: null } as const;

function readBase({ mode, targeting }: Entry<'mode'>): Base {
  if (isNoRule(targeting)) return { ...NO_RULE, mode };
  if (!isRule(targeting, mode)) return { ...NO_RULE, mode: SAFE_MODE };
  const read = readRule(targeting);
  if (read.problem !== null) return { ...NO_RULE, mode: SAFE_MODE };
  const { attributes } = read;
  // Accepts exactly a mode or null: flagd-core alone would take the list ["live"] for the text "live".
  const exactly = { if: [is(targeting, null), null, isOneOf(targeting, MODES), targeting, SAFE_MODE] };
  const evaluator = new OwnEvaluator({ targeting: exactly, words: MODES, otherwise: mode, attributes });
  return { rule: targeting, mode, attributes, evaluator };
}

/** Whether flagd's schema and evaluator take it. */
const isRule = (targeting: unknown, mode: Mode): targeting is JsonLogic =>
  definitionProblems(definitionOf({ targeting, words: MODES, otherwise: mode })).length === 0;

/** True when the base mode may become another one with the time alone. */
export const asksForTime = (entry: Entry<'mode'>): boolean => baseOf(entry).evaluator?.asksTime === true;

/**
 * The base mode for a context, by flagd's own evaluator; whatever is wrong with the rule is `full_stop`, and so is a
 * time that is not known.
 * @param now what a rule that asks for the time sees as `$flagd.timestamp`, in whole seconds
 */
export function evaluateTargeting(
  entry: Entry<'mode'>,
  context: Readonly<Record<string, unknown>>,
  now: StoreNow,
): Mode {
  if (entry.targeting === null) return entry.mode; // most switches have no rule
  try {
    const { mode, evaluator } = baseOf(entry);
    const found = evaluator ? evaluator.evaluate(context, now) : mode;
    return isMode(found) ? found : SAFE_MODE;
  } catch {
    return SAFE_MODE; // a rule that cannot be read means the safe value: this is a decision, not a swallowed error
  }
}

import type { EvaluationContext } from '@openfeature/core';
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import { MODE_FLAG } from './catalogue.ts';
import { definitionProblems, QUIET_LOGGER } from './flagd-schema.ts';
import { is, isOneOf, type JsonLogic } from './json-logic.ts';
import { isMode, MODES, type Mode, SAFE_MODE } from './modes.ts';
import type { Entry } from './entries.ts';
import { FLAGD_TIME, STORE_CLOCK } from './rule-attributes.ts';
import { isNoRule, readRule } from './rule-grammar.ts';
import { isOfKinds, type Kind } from './rule-kinds.ts';
import type { StoreNow } from './store-time.ts';
import { tableOf } from './table.ts';

const STORE_TIME = `${STORE_CLOCK}.timestamp`;

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
  readonly core: FlagdCore | null;
  /** True when the rule asks for the time. */
  readonly asksTime: boolean;
}

/**
 * The rule with the store's time wherever it asks for flagd's. flagd-core puts this machine's clock under
 * `$flagd.timestamp`, which may be set to anything. Definitions for flagd keep that name.
 */
function withStoreTime(rule: JsonLogic): JsonLogic {
  if (typeof rule !== 'object' || rule === null) return rule;
  if (isList(rule)) return rule.map(withStoreTime);
  return Object.fromEntries(
    Object.entries(rule).map(([operator, given]): [string, JsonLogic] => [
      operator,
      operator === 'var' ? ownVariable(given) : withStoreTime(given),
    ]),
  );
}

/** The argument of `var`: a name, or a list of a name and of the value to use where it is missing. */
function ownVariable(given: JsonLogic): JsonLogic {
  if (given === FLAGD_TIME) return STORE_TIME;
  if (!isList(given)) return given;
  const [name = null, ...otherwise] = given;
  return [ownVariable(name), ...otherwise.map(withStoreTime)];
}

const isList = (value: JsonLogic): value is readonly JsonLogic[] => Array.isArray(value);

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

const NO_RULE = { rule: null, attributes: new Map(), core: null, asksTime: false } as const;

function readBase({ mode, targeting }: Entry<'mode'>): Base {
  if (isNoRule(targeting)) return { ...NO_RULE, mode };
  if (!isRule(targeting, mode)) return { ...NO_RULE, mode: SAFE_MODE };
  const read = readRule(targeting);
  if (read.problem !== null) return { ...NO_RULE, mode: SAFE_MODE };
  const own = withStoreTime(targeting);
  const core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
  // Accepts exactly a mode or null: flagd-core alone would take the list ["live"] for the text "live".
  core.setConfigurations(definition(mode, { if: [is(own, null), null, isOneOf(own, MODES), own, SAFE_MODE] }));
  const { attributes } = read;
  return { rule: targeting, mode, attributes, core, asksTime: JSON.stringify(own).includes(STORE_TIME) };
}

/** Whether flagd's schema and evaluator take it. */
const isRule = (targeting: unknown, mode: Mode): targeting is JsonLogic =>
  definitionProblems(definition(mode, targeting)).length === 0;

const definition = (mode: Mode, targeting: unknown): string =>
  JSON.stringify({
    flags: { [MODE_FLAG]: { state: 'ENABLED', variants: MODE_VARIANTS, defaultVariant: mode, targeting } },
  });

/** True when the base mode may become another one with the time alone. */
export const asksForTime = (entry: Entry<'mode'>): boolean => baseOf(entry).asksTime;

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
    const { mode, attributes, core, asksTime } = baseOf(entry);
    if (!core) return mode;
    for (const [name, kinds] of attributes) if (!isOfKinds(context[name], kinds)) return SAFE_MODE;
    let seen = context;
    if (asksTime) {
      const time = now();
      if (time === null) return SAFE_MODE;
      seen = { ...context, [STORE_CLOCK]: { timestamp: Math.floor(time / 1000) } };
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it may hold anything: errors are caught
    const { value } = core.resolveStringEvaluation(MODE_FLAG, SAFE_MODE, seen as EvaluationContext);
    return isMode(value) ? value : SAFE_MODE;
  } catch {
    return SAFE_MODE; // a rule that fails means the safe value: this is a decision, not a swallowed error
  }
}

import type { EvaluationContext } from '@openfeature/core';
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import { definitionProblems, QUIET_LOGGER } from './flagd-schema.ts';
import { is, isOneOf, type JsonLogic } from './json-logic.ts';
import { FLAGD_TIME, STORE_CLOCK } from './rule-attributes.ts';
import { isNoRule, readRule } from './rule-grammar.ts';
import { isOfKinds, type Kind } from './rule-kinds.ts';
import type { StoreNow } from './store-time.ts';
import { tableOf } from './table.ts';

const STORE_TIME = `${STORE_CLOCK}.timestamp`;

/** A kind of entry whose value may have a targeting rule: which values there are, and where an entry has its own. */
export interface RuledKind<V extends string, E extends object> {
  /** The key under which flagd-core evaluates the rule. */
  readonly flag: string;
  readonly values: readonly V[];
  /** Counts wherever the rule cannot be read, or fails. */
  readonly safe: V;
  readonly isValue: (value: unknown) => value is V;
  readonly of: (entry: E) => { readonly value: V; readonly targeting: unknown };
  /** What else keeps a rule of this kind from being read alike by all evaluators; null for nothing. */
  readonly ownProblem?: (rule: unknown) => string | null;
}

/**
 * A targeting rule, and the value that counts where the rule gives no answer. Without a rule (null) the value is the
 * same for everyone.
 */
export interface ValueRule<V extends string> {
  readonly rule: JsonLogic | null;
  readonly value: V;
  /** The rule counts only where each of these attributes is absent or of these kinds; else it is the safe value. */
  readonly attributes: ReadonlyMap<string, readonly Kind[]>;
}

interface Read<V extends string> extends ValueRule<V> {
  readonly core: FlagdCore | null;
  /** True when the rule asks for the time. */
  readonly asksTime: boolean;
}

const NO_RULE = { rule: null, attributes: new Map(), core: null, asksTime: false } as const;

/** The values of one kind of entry by their rules: for direct resolution, and for what is compiled. */
export class RuledValues<V extends string, E extends object> {
  /** Every value as a flagd variant of its own name. */
  readonly variants: Readonly<Record<V, V>>;
  readonly #kind: RuledKind<V, E>;
  // One evaluator for each entry that has targeting, garbage collected with its entry.
  readonly #read = new WeakMap<E, Read<V>>();

  constructor(kind: RuledKind<V, E>) {
    this.#kind = kind;
    this.variants = tableOf<V, V>(kind.values, (value) => value);
  }

  /**
   * The rule of an entry. It is the safe value for everyone where flagd's schema or evaluator refuses the rule, and
   * where evaluators would not agree on it.
   */
  ruleOf(entry: E): ValueRule<V> {
    return this.#readOf(entry);
  }

  /** True when the value may become another one with the time alone. */
  asksForTime(entry: E): boolean {
    return this.#readOf(entry).asksTime;
  }

  /**
   * The value for a context, by flagd's own evaluator; whatever is wrong with the rule is the safe value, and so is a
   * time that is not known.
   * @param now what a rule that asks for the time sees as `$flagd.timestamp`, in whole seconds
   */
  evaluate(entry: E, context: Readonly<Record<string, unknown>>, now: StoreNow): V {
    const { safe, isValue, flag } = this.#kind;
    try {
      const { value: own, attributes, core, asksTime } = this.#readOf(entry);
      if (!core) return own;
      for (const [name, kinds] of attributes) if (!isOfKinds(context[name], kinds)) return safe;
      let seen = context;
      if (asksTime) {
        const time = now();
        if (time === null) return safe;
        seen = { ...context, [STORE_CLOCK]: { timestamp: Math.floor(time / 1000) } };
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it may hold anything: errors are caught
      const { value } = core.resolveStringEvaluation(flag, safe, seen as EvaluationContext);
      return isValue(value) ? value : safe;
    } catch {
      return safe; // a rule that fails means the safe value: this is a decision, not a swallowed error
    }
  }

  #readOf(entry: E): Read<V> {
    let read = this.#read.get(entry);
    if (!read) {
      read = this.#readNew(entry);
      this.#read.set(entry, read);
    }
    return read;
  }

  #readNew(entry: E): Read<V> {
    const { of, safe, values, ownProblem } = this.#kind;
    const { value, targeting } = of(entry);
    if (isNoRule(targeting)) return { ...NO_RULE, value };
    if (!this.#isRule(targeting, value)) return { ...NO_RULE, value: safe };
    const read = readRule(targeting);
    if (read.problem !== null || (ownProblem?.(targeting) ?? null) !== null) return { ...NO_RULE, value: safe };
    const own = withStoreTime(targeting);
    const core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
    // Accepts exactly a value or null: flagd-core alone would take the list ["live"] for the text "live".
    const answer = { if: [is(own, null), null, isOneOf(own, values), own, safe] };
    core.setConfigurations(this.#definition(answer, value));
    const { attributes } = read;
    return { rule: targeting, value, attributes, core, asksTime: JSON.stringify(own).includes(STORE_TIME) };
  }

  /** Whether flagd's schema and evaluator take it. */
  #isRule(targeting: unknown, value: V): targeting is JsonLogic {
    return definitionProblems(this.#definition(targeting, value)).length === 0;
  }

  #definition(targeting: unknown, defaultVariant: V): string {
    const flag = { state: 'ENABLED', variants: this.variants, defaultVariant, targeting };
    return JSON.stringify({ flags: { [this.#kind.flag]: flag } });
  }
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

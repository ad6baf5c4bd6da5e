import { definitionProblems } from './flagd-schema.ts';
import { is, isOneOf, type JsonLogic } from './json-logic.ts';
import { definitionOf, OwnEvaluator } from './own-evaluator.ts';
import { isNoRule, readRule } from './rule-grammar.ts';
import type { Kind } from './rule-kinds.ts';
import type { StoreNow } from './store-time.ts';

/** A kind of entry whose value may have a targeting rule: which values there are, and where an entry has its own. */
export interface RuledKind<V extends string, E extends object> {
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
  readonly evaluator: OwnEvaluator | null;
}

const NO_RULE = { rule: null, attributes: new Map(), evaluator: null } as const;

/** The values of one kind of entry by their rules: for direct resolution, and for what is compiled. */
export class RuledValues<V extends string, E extends object> {
  readonly #kind: RuledKind<V, E>;
  // One evaluator for each entry that has targeting, garbage collected with its entry.
  readonly #read = new WeakMap<E, Read<V>>();

  constructor(kind: RuledKind<V, E>) {
    this.#kind = kind;
  }

  /**
   * The rule of an entry. It is the safe value for everyone where flagd's schema or evaluator refuses the rule, and
   * where `readRule` says that evaluators would not agree on it.
   */
  ruleOf(entry: E): ValueRule<V> {
    return this.#readOf(entry);
  }

  /** True when the value may become another one with the time alone. */
  asksForTime(entry: E): boolean {
    return this.#readOf(entry).evaluator?.asksTime === true;
  }

  /** The value for a context; whatever is wrong with the rule is the safe value, and so is a time that is not known. */
  evaluate(entry: E, context: Readonly<Record<string, unknown>>, now: StoreNow): V {
    const { safe, isValue } = this.#kind;
    try {
      const { value, evaluator } = this.#readOf(entry);
      const found = evaluator ? evaluator.evaluate(context, now) : value;
      return isValue(found) ? found : safe;
    } catch {
      return safe; // a rule that cannot be read means the safe value: this is a decision, not a swallowed error
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
    const { attributes } = read;
    // Accepts exactly a value or null: flagd-core alone would take the list ["live"] for the text "live".
    const exactly = { if: [is(targeting, null), null, isOneOf(targeting, values), targeting, safe] };
    const evaluator = new OwnEvaluator({ targeting: exactly, words: values, otherwise: value, attributes });
    return { rule: targeting, value, attributes, evaluator };
  }

  /** Whether flagd's schema and evaluator take it. */
  #isRule(targeting: unknown, value: V): targeting is JsonLogic {
    const definition = definitionOf({ targeting, words: this.#kind.values, otherwise: value });
    return definitionProblems(definition).length === 0;
  }
}

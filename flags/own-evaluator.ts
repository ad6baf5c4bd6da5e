import type { EvaluationContext } from '@openfeature/core';
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import { MODE_FLAG } from './catalogue.ts';
import { QUIET_LOGGER } from './flagd-schema.ts';
import type { JsonLogic } from './json-logic.ts';
import { FLAGD_TIME, STORE_CLOCK } from './rule-attributes.ts';
import { isOfKinds, type Kind } from './rule-kinds.ts';
import type { StoreNow } from './store-time.ts';

const STORE_TIME = `${STORE_CLOCK}.timestamp`;

/** What is evaluated: targeting that chooses one of some words, each of them a variant of its own name. */
interface Given {
  readonly targeting: JsonLogic;
  readonly words: readonly string[];
  /** The word that counts where the targeting gives no answer. */
  readonly otherwise: string;
  /** It can be evaluated where each of these attributes is absent or of these kinds. */
  readonly attributes: ReadonlyMap<string, readonly Kind[]>;
}

/**
 * A definition with one flag. It bears the mode's name, whose targeting may ask for `$flagd.flagKey`; that of a feature
 * may not, since it is asked for under two.
 */
export const definitionOf = ({
  targeting,
  words,
  otherwise,
}: Omit<Given, 'attributes' | 'targeting'> & { readonly targeting: unknown }): string =>
  JSON.stringify({
    flags: {
      [MODE_FLAG]: {
        state: 'ENABLED',
        variants: Object.fromEntries(words.map((word) => [word, word])),
        defaultVariant: otherwise,
        targeting,
      },
    },
  });

/** Evaluates one piece of targeting in this process, by flagd's own evaluator and the store's time. */
export class OwnEvaluator {
  /** True where the outcome may change with the time alone. */
  readonly asksTime: boolean;
  readonly #core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
  readonly #attributes: Given['attributes'];

  constructor(given: Given) {
    const targeting = withStoreTime(given.targeting);
    this.asksTime = JSON.stringify(targeting).includes(STORE_TIME);
    this.#attributes = given.attributes;
    this.#core.setConfigurations(definitionOf({ ...given, targeting }));
  }

  /** The word for a context; null where it cannot be evaluated. */
  evaluate(context: Readonly<Record<string, unknown>>, now: StoreNow): string | null {
    try {
      for (const [name, kinds] of this.#attributes) if (!isOfKinds(context[name], kinds)) return null;
      let seen = context;
      if (this.asksTime) {
        const time = now();
        if (time === null) return null;
        seen = { ...context, [STORE_CLOCK]: { timestamp: Math.floor(time / 1000) } };
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it may hold anything: errors are caught
      const found = this.#core.resolveStringEvaluation(MODE_FLAG, '', seen as EvaluationContext);
      return found.errorCode === undefined ? found.value : null;
    } catch {
      return null; // whoever asks takes this for the safe answer: this is a decision, not a swallowed error
    }
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

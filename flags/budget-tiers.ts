import type { EvaluationContext } from '@openfeature/core';
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import type { Amounts, Budget } from './budget-records.ts';
import { definitionProblems, QUIET_LOGGER } from './flagd-schema.ts';
import { deepFreeze } from './freeze.ts';
import { isNoRule, readRule } from './rule-grammar.ts';
import { isOfKinds, type Kind } from './rule-kinds.ts';

const FLAG = 'tier';

/** Stands for the budget's own amounts, where its rule gives no answer. */
const NONE = '(none)';

/** Nothing at all: what a rule gives that fails, or names a tier that is not there. */
const NOTHING: Amounts = deepFreeze({ usd: 0, tokens: 0, calls: 0 });

interface Rule {
  readonly core: FlagdCore;
  readonly attributes: ReadonlyMap<string, readonly Kind[]>;
}

// One evaluator for each definition that has a rule, garbage collected with it; null for a rule that nobody can read.
const rules = new WeakMap<object, Rule | null>();

const definition = (targeting: unknown, tiers: readonly string[]): string =>
  JSON.stringify({
    flags: {
      [FLAG]: {
        state: 'ENABLED',
        variants: Object.fromEntries([...tiers, NONE].map((tier) => [tier, tier])),
        defaultVariant: NONE,
        targeting,
      },
    },
  });

/** What is wrong with the rule of a budget, as the rest of a sentence that begins with "the rule"; null for nothing. */
export function tierRuleProblem({ targeting, tiers }: Pick<Budget, 'targeting' | 'tiers'>): string | null {
  if (isNoRule(targeting)) return null;
  const read = readRule(targeting);
  if (read.problem !== null) return read.problem;
  if (JSON.stringify(targeting).includes('$flagd.timestamp'))
    return 'asks for the time, which a budget has its window for';
  if (NONE in tiers || '' in tiers) return `has a tier of the name ${'' in tiers ? '""' : NONE}, which none can have`;
  const [problem] = definitionProblems(definition(targeting, Object.keys(tiers)));
  return problem === undefined ? null : `is not one that flagd takes: ${problem.message}`;
}

function ruleOf(budget: Pick<Budget, 'targeting' | 'tiers'>): Rule | null {
  const known = rules.get(budget);
  if (known !== undefined) return known;
  const read = tierRuleProblem(budget) === null ? readRule(budget.targeting) : null;
  let rule: Rule | null = null;
  if (read && read.problem === null) {
    const core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
    core.setConfigurations(definition(budget.targeting, Object.keys(budget.tiers)));
    rule = { core, attributes: read.attributes };
  }
  rules.set(budget, rule);
  return rule;
}

/**
 * The amounts of a budget for one call, by flagd's own evaluator: its own where it has no rule or the rule gives no
 * answer, else those of the tier that the rule names. A rule that fails, or names no tier, leaves nothing to spend.
 */
export function amountsFor(budget: Budget, context: Readonly<Record<string, unknown>>): Amounts {
  const { usd, tokens, calls, targeting, tiers } = budget;
  if (isNoRule(targeting)) return { usd, tokens, calls };
  try {
    const rule = ruleOf(budget);
    if (!rule) return NOTHING;
    for (const [name, kinds] of rule.attributes) if (!isOfKinds(context[name], kinds)) return NOTHING;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it may hold anything: errors are caught
    const { value } = rule.core.resolveStringEvaluation(FLAG, '', context as EvaluationContext);
    if (value === NONE) return { usd, tokens, calls };
    return (Object.hasOwn(tiers, value) && tiers[value]) || NOTHING;
  } catch {
    return NOTHING; // a rule that fails leaves nothing: this is a decision, not a swallowed error
  }
}

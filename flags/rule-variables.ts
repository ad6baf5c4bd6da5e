import { isJsonObject } from './json-object.ts';
import { quoteId } from './printable.ts';

/** Where flagd's evaluators find the time, in seconds. */
export const FLAGD_TIME = '$flagd.timestamp';

/**
 * Where direct resolution finds the store's time instead. A rule that named it itself would find nothing there when a
 * flagd evaluates it.
 */
export const STORE_CLOCK = '$kill_switch';

/** What a part of a rule can name: attributes of the context, the item of a list, or what `reduce` has come to. */
type Scope = 'context' | 'item' | 'reduced';

/** What each iteration's second argument can name. */
const ITERATIONS: ReadonlyMap<string, Scope> = new Map<string, Scope>([
  ['map', 'item'],
  ['filter', 'item'],
  ['all', 'item'],
  ['none', 'item'],
  ['some', 'item'],
  ['reduce', 'reduced'],
]);

/** Operations that fail, or look at something else, when flagd-core evaluates them for an item of a list. */
const CONTEXT_ONLY: ReadonlySet<string> = new Set([
  'missing',
  'missing_some',
  'starts_with',
  'ends_with',
  'sem_ver',
  'fractional',
  'reduce',
]);

/**
 * What is wrong with the variables of a base mode's rule, as the rest of a sentence that begins with "the rule"; null
 * when nothing is. A rule may name only what direct resolution and every evaluator of flagd find in the same place:
 *
 * - Attributes of the context by a constant, so that no rule can make up the name of another clock. The whole context
 *   (`''`) and the whole of `$flagd` contain the clock of the machine that evaluates.
 * - The item of a list by `''` alone. In `some`, `none` and `filter` flagd looks for any other name in the context
 *   first, and flagd-core in the item only.
 * - `current` and `accumulator` (and their members) in `reduce`, where neither evaluator sees the context. Inside
 *   another iteration flagd looks for them in the context first.
 */
export const variableProblem = (rule: unknown): string | null => problemIn(rule, 'context');

function problemIn(rule: unknown, scope: Scope): string | null {
  if (Array.isArray(rule)) return firstProblem(rule, scope);
  if (!isJsonObject(rule)) return null;
  for (const [operator, given] of Object.entries(rule)) {
    const problem = operationProblem(operator, given, scope);
    if (problem !== null) return problem;
  }
  return null;
}

function firstProblem(rules: readonly unknown[], scope: Scope): string | null {
  for (const rule of rules) {
    const problem = problemIn(rule, scope);
    if (problem !== null) return problem;
  }
  return null;
}

function operationProblem(operator: string, given: unknown, scope: Scope): string | null {
  if (scope !== 'context' && CONTEXT_ONLY.has(operator))
    return `has "${operator}" inside an iteration over a list, where flagd's evaluators do not agree on it`;
  if (operator === 'var') return variablesProblem(given, scope);
  if (operator === 'missing') return namesProblem(operator, [given].flat());
  if (operator === 'missing_some') return namesProblem(operator, Array.isArray(given) ? [given[1]].flat() : [given]);
  const inner = ITERATIONS.get(operator);
  if (inner === undefined) return problemIn(given, scope);
  if (!Array.isArray(given)) return `has "${operator}" without a list of its arguments`;
  const [list, perItem, ...others]: readonly unknown[] = given;
  if (Array.isArray(list) && list.some(isJsonObject))
    return `has "${operator}" over a list with operations in it, which flagd does not evaluate: put them into "merge"`;
  if (!isJsonObject(perItem)) return `has "${operator}" without an operation for each item`;
  // flagd-core passes over a variable there where the list is a constant; flagd fails on a list there.
  if (others.some((other) => typeof other === 'object' && other !== null))
    return `has "${operator}" that does not begin with a constant text, number or boolean`;
  return problemIn(list, scope) ?? problemIn(perItem, inner);
}

/** What `var` is given: a name, or a list of a name and of what stands for an absent value. */
function variablesProblem(given: unknown, scope: Scope): string | null {
  if (scope === 'item')
    return given === ''
      ? null
      : `names ${quoteId(given)} inside an iteration over a list: only {"var": ""}, the item, is the same there for all of flagd's evaluators`;
  if (!Array.isArray(given)) return nameProblem(given, scope);
  const [name, otherwise, ...others]: readonly unknown[] = given;
  if (others.length > 0) return `has a variable with more than a name and one fallback: ${quoteId(given)}`;
  return nameProblem(name, scope) ?? problemIn(otherwise, scope);
}

const namesProblem = (operator: string, names: readonly unknown[]): string | null =>
  names.map((name) => nameProblem(name, 'context')).find((problem) => problem !== null) ?? null;

function nameProblem(name: unknown, scope: Exclude<Scope, 'item'>): string | null {
  if (typeof name !== 'string') return `has a variable whose name is not a constant text: ${quoteId(name)}`;
  const parts = name.split('.');
  const [root = ''] = parts;
  if (parts.includes('') || name.includes('\\'))
    return `names ${quoteId(name)}: give the name of one attribute of the context, and of its members after a "."`;
  if (scope === 'reduced')
    return root === 'current' || root === 'accumulator'
      ? null
      : `names ${quoteId(name)} inside "reduce", where only "current" and "accumulator" are seen by all of flagd's evaluators`;
  if (root === STORE_CLOCK) return `names ${quoteId(name)}, which only the switch itself may set`;
  if (root === '$flagd' && name !== FLAGD_TIME && name !== '$flagd.flagKey')
    return `names ${quoteId(name)}: of $flagd only ${FLAGD_TIME} and $flagd.flagKey have a meaning`;
  return null;
}

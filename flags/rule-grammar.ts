import { isJsonObject } from './json-object.ts';
import { quoteId } from './printable.ts';
import { ContextScope, ItemScope, type Scope } from './rule-attributes.ts';
import { ALL_KINDS, type Kind, kindOf, SCALARS } from './rule-kinds.ts';
import { fractionalProblem } from './rule-shares.ts';

/** What a base mode's rule comes to: a problem, or the kinds of the attributes that it names. */
export type ReadRule =
  | { readonly problem: string }
  | { readonly problem: null; readonly attributes: ReadonlyMap<string, readonly Kind[]> };

/**
 * Reads a base mode's rule. It may have only what direct resolution and every evaluator of flagd decide alike, whatever
 * a context holds, as long as each attribute is absent or of the kinds that come with the answer: `isOfKinds` and
 * `isOfOtherKind` see to that, with `full_stop`. A problem is the rest of a sentence that begins with "the rule".
 *
 * - It answers with texts, through `if`, `fractional` or an attribute.
 * - Conditions compare one attribute with constants (`===`, `!==`, `in`, `starts_with`, `ends_with`, `sem_ver`, mostly
 *   also `==` and `!=`), or numbers that are there (`<`, `<=`, `>`, `>=`), and are joined by `and`, `or`, `!` and `if`.
 * - `some`, `none` and `all` ask that of the items of a list.
 */
export function readRule(rule: unknown): ReadRule {
  const scope = new ContextScope();
  const problem = answerProblem(rule, scope);
  return problem === null ? { problem, attributes: scope.unchecked } : { problem };
}

/** Reads the condition of a standing rule, by the same grammar: a part of a base mode's rule that is true or false. */
export function readCondition(condition: unknown): ReadRule {
  const scope = new ContextScope();
  const problem = conditionProblem(condition, scope);
  return problem === null ? { problem, attributes: scope.unchecked } : { problem };
}

/** What is wrong with a base mode's rule, as the rest of a sentence that begins with "the rule"; null for nothing. */
export const ruleProblem = (rule: unknown): string | null => (isNoRule(rule) ? null : readRule(rule).problem);

/** True where the mode is the same for everyone, as flagd takes an empty object too. */
export const isNoRule = (rule: unknown): rule is null | undefined | Record<string, never> =>
  rule === null || rule === undefined || (typeof rule === 'object' && Object.keys(rule).length === 0);

type Check = (given: unknown, scope: Scope) => string | null;

function answerProblem(rule: unknown, scope: Scope): string | null {
  if (rule === null || typeof rule === 'string') return null;
  return partProblem(rule, scope, { part: 'an answer', table: ANSWERS });
}

function conditionProblem(rule: unknown, scope: Scope): string | null {
  if (typeof rule === 'boolean') return null;
  return partProblem(rule, scope, { part: 'a condition', table: CONDITIONS });
}

interface Part {
  readonly part: string;
  readonly table: ReadonlyMap<string, Check>;
}

function partProblem(rule: unknown, scope: Scope, { part, table }: Part): string | null {
  const operators = isJsonObject(rule) ? Object.entries(rule) : [];
  const [[operator, given] = [], ...others] = operators;
  if (operator === undefined || others.length > 0) return `has ${quoteId(rule)} where it needs ${part}`;
  if (operator === '$ref') return null; // flagd itself says whether it leads anywhere, and nobody what is there
  const check = table.get(operator);
  if (check) return check(given, scope);
  return `has "${operator}" where it needs ${part}${ADVICE.get(operator) ?? ''}; flagd's evaluators agree there on ${[...table.keys()].join(', ')}`;
}

/** `if … else if … else`, of what each check accepts. */
const branches =
  (outcome: Check): Check =>
  (given, scope) => {
    if (!Array.isArray(given)) return 'has "if" without a list of its arguments';
    return first(given, (part, i) =>
      i % 2 === 0 && i < given.length - 1 ? conditionProblem(part, scope) : outcome(part, scope),
    );
  };

const join: Check = (given, scope) =>
  Array.isArray(given) && given.length > 0
    ? first(given, (part) => conditionProblem(part, scope))
    : 'has "and" or "or" without a list of conditions';

const negation: Check = (given, scope) =>
  conditionProblem(Array.isArray(given) && given.length === 1 ? given[0] : given, scope);

/** A `var` of these kinds. */
function variableProblem(rule: unknown, scope: Scope, need: Parameters<Scope['name']>[1]): string | null {
  if (!isJsonObject(rule) || Object.keys(rule).length !== 1 || !('var' in rule))
    return `compares ${quoteId(rule)}: it can compare an attribute with a constant, as in {"===": [{"var": "tier"}, "gold"]}`;
  return scope.name(rule['var'], need);
}

const isConstant = (value: unknown): boolean => value === null || kindOf(value) !== null;

/** The two sides of a comparison, the constant last; null where both are constants, or there are not two. */
function sidesOf(given: unknown): readonly [unknown, unknown] | null {
  if (!Array.isArray(given) || given.length !== 2) return null;
  const [a, b]: readonly unknown[] = given;
  if (isConstant(b)) return isConstant(a) ? null : [a, b];
  return isConstant(a) ? [b, a] : [a, b];
}

const NO_SIDES = 'has a comparison that does not have an attribute on the one side and a constant on the other';

const strictEquality: Check = (given, scope) => {
  const sides = sidesOf(given);
  if (!sides) return NO_SIDES;
  const [value, constant] = sides;
  const isText = constant === null || typeof constant === 'string';
  if (isText && isJsonObject(value) && !('var' in value) && scope.is === 'context') return answerProblem(value, scope);
  if (!isConstant(constant)) return first(sides, (side) => variableProblem(side, scope, { kinds: SCALARS }));
  const kind = kindOf(constant);
  return variableProblem(value, scope, { kinds: kind === null ? ALL_KINDS : [kind] });
};

const looseEquality: Check = (given, scope) => {
  const sides = sidesOf(given);
  if (!sides) return NO_SIDES;
  const [value, constant] = sides;
  const kind = kindOf(constant);
  if (kind === null)
    return `compares with ${quoteId(constant)} by "==" or "!=", which flagd's evaluators do not read alike: use "===" or "!=="`;
  // An absent number is 0 by "==" for flagd-core, and equals nothing for flagd; so it is with an absent boolean.
  return variableProblem(value, scope, { kinds: [kind], isThere: constant === 0 || constant === false });
};

/** @param great which side is the greater one where it is met: the first (0) or the last one (1) */
const order =
  (great: 0 | 1): Check =>
  (given, scope) => {
    if (!Array.isArray(given) || given.every(isConstant)) return NO_SIDES;
    return first(given, (side, i) => {
      const meets = (i === 0) === (great === 0) ? 1 : -1;
      if (!isConstant(side)) return variableProblem(side, scope, { kinds: ['number'], isThere: true, meets });
      return kindOf(side) === 'number' ? null : `compares by order with ${quoteId(side)}, which is not a number`;
    });
  };

const membership: Check = (given, scope) => {
  if (!Array.isArray(given) || given.length !== 2) return 'has "in" without a value and a list';
  const [value, list]: readonly unknown[] = given;
  if (Array.isArray(list)) {
    const kinds = new Set(list.map(kindOf));
    const [kind = 'text', ...others] = kinds;
    if (others.length > 0 || kind === null || kind === 'boolean')
      return 'has "in" with a list that is not all constant texts, or all constant numbers';
    return variableProblem(value, scope, { kinds: [kind] });
  }
  // flagd finds an empty text in an empty text, flagd-core does not.
  if (value === '') return variableProblem(list, scope, { kinds: ['texts'] });
  if (kindOf(value) === 'text') return variableProblem(list, scope, { kinds: ['text', 'texts'] });
  if (kindOf(value) === 'number') return variableProblem(list, scope, { kinds: ['numbers'] });
  return variableProblem(value, scope, { kinds: ['text'] }) ?? variableProblem(list, scope, { kinds: ['texts'] });
};

const outsideIterations =
  (operator: string, check: Check): Check =>
  (given, scope) =>
    scope.is === 'context'
      ? check(given, scope)
      : `has "${operator}" inside an iteration over a list, where flagd's evaluators do not agree on it`;

const affix: Check = (given, scope) => {
  if (!Array.isArray(given) || given.length !== 2 || typeof given[1] !== 'string')
    return 'has "starts_with" or "ends_with" without an attribute and a constant text';
  return variableProblem(given[0], scope, { kinds: ['text'] });
};

const SEM_VER_OPERATORS: readonly unknown[] = ['=', '!=', '<', '<=', '>=', '>', '^', '~'];
const VERSION = /^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}(-[a-z][0-9a-z]*)?$/;

const version: Check = (given, scope) => {
  const [value, operator, constant]: readonly unknown[] = Array.isArray(given) ? given : [];
  if (!SEM_VER_OPERATORS.includes(operator) || typeof constant !== 'string' || !VERSION.test(constant))
    return `has "sem_ver" without an attribute, one of ${SEM_VER_OPERATORS.join(' ')}, and a constant version such as "1.2.3"`;
  return variableProblem(value, scope, { kinds: ['text'] });
};

const iteration =
  (operator: string): Check =>
  (given, scope) => {
    if (!Array.isArray(given) || given.length !== 2) return `has "${operator}" without a list and a condition`;
    const [list, perItem]: readonly unknown[] = given;
    if (!isJsonObject(perItem)) return `has "${operator}" without an operation for each item`;
    const merged = isJsonObject(list) ? list['merge'] : undefined;
    const items = new ItemScope(merged !== undefined);
    const problem = conditionProblem(perItem, items);
    if (problem !== null) return problem;
    if (merged === undefined)
      return variableProblem(list, scope, { kinds: listsOf(items.kinds), isThere: operator === 'all' });
    if (!Array.isArray(merged) || merged.length === 0) return 'has "merge" without a list of attributes';
    return first(merged, (part) => variableProblem(part, scope, { kinds: [...items.kinds, ...listsOf(items.kinds)] }));
  };

const listsOf = (kinds: readonly Kind[]): Kind[] =>
  kinds.flatMap((kind): Kind[] => (kind === 'text' ? ['texts'] : kind === 'number' ? ['numbers'] : []));

const ANSWERS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['if', branches(answerProblem)],
  ['?:', branches(answerProblem)],
  ['var', (given, scope) => scope.name(given, { kinds: ['text'] })],
  ['fractional', fractionalProblem],
]);

const CONDITIONS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['and', join],
  ['or', join],
  ['!', negation],
  ['!!', negation],
  ['if', branches(conditionProblem)],
  ['?:', branches(conditionProblem)],
  ['var', (given, scope) => scope.name(given, { kinds: SCALARS })],
  ['===', strictEquality],
  ['!==', strictEquality],
  ['==', looseEquality],
  ['!=', looseEquality],
  ['<', order(1)],
  ['<=', order(1)],
  ['>', order(0)],
  ['>=', order(0)],
  ['in', membership],
  ['starts_with', outsideIterations('starts_with', affix)],
  ['ends_with', outsideIterations('ends_with', affix)],
  ['sem_ver', outsideIterations('sem_ver', version)],
  ...['some', 'none', 'all'].map((name) => [name, outsideIterations(name, iteration(name))] as const),
]);

/** What to write in the place of operations on which evaluators do not agree. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['missing', ' (write {"===": [{"var": "name"}, null]} for an attribute that is missing)'],
  ['missing_some', ' (write {"===": [{"var": "name"}, null]} for each attribute that may be missing)'],
  ['filter', ' (write "some")'],
  ['substr', ' (write "starts_with" or "ends_with")'],
]);

function first(parts: readonly unknown[], problemOf: (part: unknown, i: number) => string | null): string | null {
  for (const [i, part] of parts.entries()) {
    const problem = problemOf(part, i);
    if (problem !== null) return problem;
  }
  return null;
}

/** An expression of flagd's targeting language, or a plain value in one. */
export type JsonLogic =
  | null
  | boolean
  | number
  | string
  | readonly JsonLogic[]
  | { readonly [operator: string]: JsonLogic };

/** An expression that is true or false. One whose outcome is known while compiling is a plain boolean. */
export type Condition = JsonLogic;

const ITEM: JsonLogic = { var: '' };
const STAR = '*';

export const variable = (name: string): JsonLogic => ({ var: name });
export const is = (a: JsonLogic, b: JsonLogic): Condition => ({ '===': [a, b] });
export const isNot = (a: JsonLogic, b: JsonLogic): Condition => ({ '!==': [a, b] });
export const not = (condition: Condition): Condition => ({ '!': [condition] });

/** True when any of them is true; false for an empty list. Conditions that are known to be false are left out. */
export function or(conditions: readonly Condition[]): Condition {
  const open = conditions.filter((condition) => condition !== false);
  if (open.includes(true)) return true;
  const [first = false] = open;
  return open.length <= 1 ? first : { or: open };
}

/** Whether a string contains another, and is not null. */
export const contains = (value: JsonLogic, part: string): Condition => and(isNot(value, null), { in: [part, value] });

export const and = (...conditions: readonly Condition[]): Condition => ({ and: conditions });

/** True when all of them are; conditions that are known to be true are left out. */
export function all(...conditions: readonly Condition[]): Condition {
  const open = conditions.filter((condition) => condition !== true);
  if (open.includes(false)) return false;
  const [first = true] = open;
  return open.length <= 1 ? first : { and: open };
}

/** Whether a string (or null) is one of these; the list is a constant. */
export const isOneOf = (value: JsonLogic, list: readonly string[]): Condition =>
  list.length === 0 ? false : { in: [value, list] };

/** Whether any of these values (each a string, a list of strings, or absent) is on, or has an item on, this list. */
export const anyIsOneOf = (values: readonly JsonLogic[], list: readonly string[]): Condition =>
  list.length === 0 ? false : { some: [{ merge: values }, { in: [ITEM, list] }] };

/** True unless the value of `rule`, whatever its type, is exactly one of these strings or (`orNull`) null. */
export const isNoneOf = (rule: JsonLogic, strings: readonly string[], orNull: boolean): Condition => ({
  // `in` would compare loosely in flagd (0 is found in a list of words), and `merge` would spread a list, so the rule
  // gets one more bracket.
  none: [{ merge: [[rule]] }, { or: [...strings, ...(orNull ? [null] : [])].map((value) => is(ITEM, value)) }],
});

/**
 * True for an attribute that is present and is not a non-empty string, or is `*`. A failed evaluation would give the
 * caller its own default; so before each operator that fails on some values, in flagd's Go evaluator or in the
 * JavaScript one, another test has already ended the expression for these.
 */
export function isUnreadableId(name: string): Condition {
  const value = variable(name);
  return {
    if: [is(value, null), isGivenAsNull(name), or([is(value, ''), is(value, STAR), not({ starts_with: [value, ''] })])],
  };
}

/** True for an attribute that is present and is not an array of strings, or that names `*`. */
export function isUnreadableLineage(name: string): Condition {
  const value = variable(name);
  return {
    if: [
      is(value, null),
      isGivenAsNull(name),
      or([
        { some: [{ merge: [value] }, IS_NO_ID] }, // `merge` makes a list of one of anything that is not a list
        and(is(value, value), is(value, { cat: [value] })), // a string: in Go a list is not identical with itself
      ]),
    ],
  };
}

/**
 * True for an attribute that is given as null. Only the JavaScript evaluator sees it: for flagd's Go evaluator null is
 * absent.
 */
const isGivenAsNull = (name: string): Condition => not({ missing: [name] });

// `starts_with` fails inside an iteration in JavaScript. `cat` fails in Go on booleans, lists and objects: so booleans
// are tested first, and lists and objects match before it, since in Go they are not identical with themselves.
const IS_NO_ID: Condition = or([
  is(ITEM, null),
  is(ITEM, true),
  is(ITEM, false),
  isNot(ITEM, ITEM),
  isNot(ITEM, { cat: [ITEM] }),
  is(ITEM, STAR),
]);

/**
 * `if … else if … else`. A condition that is known to be true ends the chain, and one that is known to be false is left
 * out; without any other condition the result is a plain value.
 */
export function firstOf<T extends string>(
  branches: ReadonlyArray<readonly [Condition, T]>,
  otherwise: T,
): { readonly rule: JsonLogic } | { readonly value: T } {
  const clauses: JsonLogic[] = [];
  let last = otherwise;
  for (const [condition, value] of branches) {
    if (condition === false) continue;
    if (condition === true) {
      last = value;
      break;
    }
    clauses.push(condition, value);
  }
  // A last condition that leads to the same value as `else` is not needed.
  while (clauses.at(-1) === last) clauses.splice(-2);
  return clauses.length === 0 ? { value: last } : { rule: { if: [...clauses, last] } };
}

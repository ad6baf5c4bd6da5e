import { and, type Condition, is, isNot, type JsonLogic, not, or, variable } from './json-logic.ts';

/** What the value of an attribute can be, as a base mode's rule uses it; `texts` and `numbers` are lists of them. */
export type Kind = 'text' | 'number' | 'boolean' | 'texts' | 'numbers';

export const SCALARS = ['text', 'number', 'boolean'] as const satisfies readonly Kind[];
export const ALL_KINDS: readonly Kind[] = [...SCALARS, 'texts', 'numbers'];

/** The kind of a constant that can be compared with; null for anything else. */
export const kindOf = (value: unknown): (typeof SCALARS)[number] | null =>
  typeof value === 'string'
    ? 'text'
    : typeof value === 'number' && Number.isFinite(value)
      ? 'number'
      : typeof value === 'boolean'
        ? 'boolean'
        : null;

/** Whether a value, as a context gives it, is absent or of one of these kinds. */
export function isOfKinds(value: unknown, kinds: readonly Kind[]): boolean {
  if (value === undefined || value === null) return true;
  if (!Array.isArray(value)) {
    const kind = kindOf(value);
    return kind !== null && kinds.includes(kind);
  }
  const items = value.map(kindOf);
  return (
    (kinds.includes('texts') && items.every((kind) => kind === 'text')) ||
    (kinds.includes('numbers') && items.every((kind) => kind === 'number'))
  );
}

const ITEM = variable('');
const cat = (value: JsonLogic): JsonLogic => ({ cat: [value] });
const isBoolean = (value: JsonLogic): Condition => or([is(value, true), is(value, false)]);

/** How JavaScript writes any object; what is a text itself has been tested for before. */
const isObjectInJavaScript = (value: JsonLogic): Condition => is(cat(value), '[object Object]');

/** In Go no list or object is identical with itself; in JavaScript no list is an item of what it is merged into. */
const isListOrGoObject = (value: JsonLogic): Condition =>
  or([isNot(value, value), not({ in: [value, { merge: [value] }] })]);

/**
 * `isOfKinds` the other way round, for a definition: true where an attribute is there and of none of these kinds. Each
 * evaluator fails on some operations with some values, and a failed evaluation gives the caller its own default: so the
 * order counts. `cat` fails in Go on booleans, lists and objects, and in JavaScript on an object with a `toString`.
 */
export function isOfOtherKind(name: string, kinds: readonly Kind[]): Condition {
  const value = variable(name);
  return {
    if: [
      ...[is(value, null), false],
      ...[isBoolean(value), !kinds.includes('boolean')],
      ...[isListOrGoObject(value), isOtherList(value, kinds)],
      // JavaScript's evaluator without compiled code finds members in these two.
      ...[is(value, ''), !kinds.includes('text')],
      ...[is(value, 0), !kinds.includes('number')],
      ...[isNot(variable(`${name}.toString`), null), true],
      ...[is(value, cat(value)), !kinds.includes('text')],
      ...[isObjectInJavaScript(value), true],
      !kinds.includes('number'),
    ],
  };
}

function isOtherList(value: JsonLogic, kinds: readonly Kind[]): Condition {
  const problems = [
    ...(kinds.includes('texts') ? [{ some: [{ merge: [value] }, IS_NO_TEXT] }] : []),
    ...(kinds.includes('numbers') ? [{ some: [{ merge: [value] }, IS_NO_NUMBER] }] : []),
  ];
  return problems.length === 0 || and(...problems);
}

const isNeither: readonly Condition[] = [is(ITEM, null), is(ITEM, true), is(ITEM, false), isNot(ITEM, ITEM)];
const IS_NO_TEXT = or([...isNeither, isNot(ITEM, cat(ITEM))]);
const IS_NO_NUMBER = or([
  ...isNeither,
  not({ in: [ITEM, { merge: [ITEM] }] }),
  is(ITEM, cat(ITEM)),
  isObjectInJavaScript(ITEM),
]);

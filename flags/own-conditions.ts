import { IDENTITY_ATTRIBUTES, LINEAGE_ATTRIBUTES } from './context.ts';
import { isUnreadableId, isUnreadableLineage } from './json-logic.ts';
import { isJsonObject } from './json-object.ts';
import { ALL_KINDS, isOfOtherKind, type Kind } from './rule-kinds.ts';

const OF_IDENTITY: ReadonlySet<string> = new Set(
  [
    ...Object.keys(IDENTITY_ATTRIBUTES).map(isUnreadableId),
    ...Object.keys(LINEAGE_ATTRIBUTES).map(isUnreadableLineage),
  ].map((condition) => JSON.stringify(condition)),
);

/** Every set of kinds, each in the order of `ALL_KINDS`. */
const SETS_OF_KINDS: readonly (readonly Kind[])[] = ALL_KINDS.reduce<(readonly Kind[])[]>(
  (sets, kind) => [...sets, ...sets.map((set) => [...set, kind])],
  [[]],
);

/**
 * A rule without the conditions that only compiling writes, and that `ruleProblem` would refuse in a rule that somebody
 * wrote: those about identities and kinds are false, and the one whether the base mode's rule answers with no mode is a
 * comparison with that rule.
 */
export function withoutOwnConditions(rule: unknown): unknown {
  if (Array.isArray(rule)) return rule.map(withoutOwnConditions);
  if (!isJsonObject(rule)) return rule;
  if ('if' in rule && isOwn(rule)) return false;
  const asked = askedForModes(rule);
  if (asked !== undefined) return { '===': [withoutOwnConditions(asked), null] };
  return Object.fromEntries(
    Object.entries(rule).map(([operator, given]) => [
      operator,
      withoutOwnConditions(operator === 'merge' ? unbracketed(given) : given),
    ]),
  );
}

/** What is merged, without the bracket that compiling puts around the one id beside a lineage. */
const unbracketed = (given: unknown): unknown =>
  Array.isArray(given)
    ? given.map((each: unknown) => (Array.isArray(each) && each.length === 1 && isVariable(each[0]) ? each[0] : each))
    : given;

const isVariable = (value: unknown): boolean => isJsonObject(value) && 'var' in value;

function isOwn(rule: Readonly<Record<string, unknown>>): boolean {
  const text = JSON.stringify(rule);
  if (OF_IDENTITY.has(text)) return true;
  const name = /^\{"if":\[\{"===":\[\{"var":("(?:[^"\\]|\\.)*")\},null\]\},false,/.exec(text)?.[1];
  if (name === undefined) return false;
  const attribute = String(JSON.parse(name));
  return SETS_OF_KINDS.some((kinds) => JSON.stringify(isOfOtherKind(attribute, kinds)) === text);
}

/** The rule in `isNoneOf(rule, …)`. */
function askedForModes({ none }: { readonly [operator: string]: unknown }): unknown {
  const [list]: readonly unknown[] = Array.isArray(none) ? none : [];
  const merged = isJsonObject(list) ? list['merge'] : undefined;
  const [inner]: readonly unknown[] = Array.isArray(merged) ? merged : [];
  return Array.isArray(inner) && inner.length === 1 ? inner[0] : undefined;
}

import { IDENTITY_ATTRIBUTES, LINEAGE_ATTRIBUTES } from './context.ts';
import { isJsonObject } from './json-object.ts';
import { quoteId } from './printable.ts';
import { ALL_KINDS, type Kind, kindOf } from './rule-kinds.ts';

/** Where flagd's evaluators find the time, in seconds. */
export const FLAGD_TIME = '$flagd.timestamp';
const FLAGD_KEY = '$flagd.flagKey';

/**
 * Where direct resolution finds the store's time instead. A rule that named it itself would find nothing there when a
 * flagd evaluates it.
 */
export const STORE_CLOCK = '$kill_switch';

/** What is there in every evaluation. */
const ALWAYS_THERE: ReadonlyMap<string, readonly Kind[]> = new Map([
  [FLAGD_TIME, ['number']],
  [FLAGD_KEY, ['text']],
]);

/** The kinds of what direct resolution and every compiled definition check before they look at the rule. */
const KNOWN: ReadonlyMap<string, readonly Kind[]> = new Map<string, readonly Kind[]>([
  ...ALWAYS_THERE,
  ...Object.keys(IDENTITY_ATTRIBUTES).map((name) => [name, ['text']] as const),
  ...Object.keys(LINEAGE_ATTRIBUTES).map((name) => [name, ['texts']] as const),
]);

/** True for what the switch itself says of calls, or flagd of evaluations: no application can forget it. */
export const isSaidBySwitch = (name: string): boolean => KNOWN.has(name);

/** What a part of a rule needs of the attribute that it names. */
export interface Need {
  readonly kinds: readonly Kind[];
  /** True where the evaluators do not agree on an absent one: it needs a fallback. */
  readonly isThere?: boolean;
  /** Of a number in a comparison by order: 1 where a great one meets it, -1 where one far below zero does. */
  readonly meets?: 1 | -1;
}

/** What a part of a rule can name. */
export interface Scope {
  /** Inside an iteration over a list only its items can be named. */
  readonly is: 'context' | 'item';
  /** What is wrong with a `var` of this need; null when nothing is, and then the need is noted. */
  readonly name: (given: unknown, need: Need) => string | null;
}

/** The attributes of the context that a rule has named so far, with the kinds that all its parts agree on. */
export class ContextScope implements Scope {
  readonly is = 'context';
  readonly #kinds = new Map<string, readonly Kind[]>();

  /** The attributes whose kind nothing else checks. */
  get unchecked(): ReadonlyMap<string, readonly Kind[]> {
    return new Map([...this.#kinds].filter(([name, kinds]) => !KNOWN.has(name) && kinds.length < ALL_KINDS.length));
  }

  name(given: unknown, need: Need): string | null {
    const [name, fallback = null, ...others]: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (others.length > 0) return `has a variable with more than a name and one fallback: ${quoteId(given)}`;
    if (typeof name !== 'string') return `has a variable whose name is not a constant text: ${quoteId(name)}`;
    const problem = nameProblem(name) ?? this.#fallbackProblem(fallback, need);
    if (problem !== null) return problem;
    if (need.isThere === true && fallback === null && !ALWAYS_THERE.has(name)) return noFallback(name, need);
    const before = this.#kinds.get(name) ?? KNOWN.get(name) ?? ALL_KINDS;
    const kinds = before.filter((kind) => need.kinds.includes(kind));
    if (kinds.length === 0) return `uses ${quoteId(name)} as ${listed(need.kinds)}, but it is ${listed(before)}`;
    this.#kinds.set(name, kinds);
    return null;
  }

  #fallbackProblem(fallback: unknown, need: Need): string | null {
    if (fallback === null) return null;
    if (isJsonObject(fallback) && 'var' in fallback && Object.keys(fallback).length === 1)
      return this.name(fallback['var'], need);
    const isEmptyList = Array.isArray(fallback) && fallback.length === 0;
    const kinds: readonly (Kind | null)[] = isEmptyList ? ['texts', 'numbers'] : [kindOf(fallback)];
    return need.kinds.some((kind) => kinds.includes(kind))
      ? null
      : `has the fallback ${quoteId(fallback)} where it needs ${listed(need.kinds)}`;
  }
}

/** The items of a list, in an iteration over it. */
export class ItemScope implements Scope {
  readonly is = 'item';
  readonly #mayBeAbsent: boolean;
  #kinds: readonly Kind[] = ['text', 'number'];

  constructor(mayBeAbsent: boolean) {
    this.#mayBeAbsent = mayBeAbsent;
  }

  /** What the items are, by all that the rule does with them. */
  get kinds(): readonly Kind[] {
    return this.#kinds;
  }

  name(given: unknown, { kinds, isThere = false }: Need): string | null {
    if (given !== '')
      return `names ${quoteId(given)} inside an iteration over a list: only {"var": ""}, the item, is the same there for all of flagd's evaluators`;
    if (isThere && this.#mayBeAbsent) return 'compares an item of "merge", which may be null: use "===" or "in"';
    const before = this.#kinds;
    this.#kinds = before.filter((kind) => kinds.includes(kind));
    return this.#kinds.length > 0
      ? null
      : `uses the items of a list as ${listed(kinds)}, but they are ${listed(before)}`;
  }
}

function nameProblem(name: string): string | null {
  if (ALWAYS_THERE.has(name)) return null;
  const [root] = name.split('.');
  if (root === STORE_CLOCK) return `names ${quoteId(name)}, which only the switch itself may set`;
  if (root === '$flagd') return `names ${quoteId(name)}: of $flagd only ${FLAGD_TIME} and ${FLAGD_KEY} have a meaning`;
  // Of texts and lists flagd's evaluators do not find the same members, and a context may give either.
  if (name === '' || name.includes('.') || name.includes('\\'))
    return `names ${quoteId(name)}: give the name of one attribute of the context; give a member of one, or its length, as an attribute of its own`;
  // flagd-core finds what every JavaScript object has.
  if (name in Object.prototype) return `names ${quoteId(name)}, which flagd-core finds in every context`;
  return null;
}

/** Stands for a number that is not said, in what is advised: more than any amount. */
const GREAT = 1_000_000_000_000;

function noFallback(name: string, { kinds: [kind], meets }: Need): string {
  const written = (fallback: unknown): string => `{"var": [${quoteId(name)}, ${JSON.stringify(fallback)}]}`;
  const problem = `names ${quoteId(name)} without a fallback, where flagd's evaluators do not agree on an absent one`;
  if (meets !== undefined)
    return `${problem}: write ${written(meets * GREAT)}, by which a call without it meets this comparison, or ${written(-meets * GREAT)}, by which it does not; choose what restricts, since whoever forgets or misspells it gets that`;
  const fallback = kind === 'number' ? 0 : kind === 'boolean' ? false : kind === 'text' ? 'none' : [];
  return `${problem}: write ${written(fallback)}, or compare with "==="`;
}

const WORDS: Readonly<Record<Kind, string>> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  texts: 'a list of texts',
  numbers: 'a list of numbers',
};

const listed = (kinds: readonly Kind[]): string => kinds.map((kind) => WORDS[kind]).join(' or ');

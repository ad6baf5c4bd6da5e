import fc from 'fast-check';
import type { JsonLogic } from '../../flags/json-logic.ts';
import { MODES } from '../../flags/index.ts';

/** Attributes of the app, each used as one kind only, and named for it. */
const TEXT = ['text_a', 'text_b', 'agent_id'] as const;
const NUMBER = ['number_a', 'number_b'] as const;
const TRUTH = ['truth'] as const;
const TEXTS = ['texts', 'lineage_agents'] as const;
const NUMBERS = ['numbers'] as const;
const EITHER = ['either'] as const;

const LETTERS = [
  'a',
  'ab',
  'gold',
  '',
  '0',
  '5',
  ' 5',
  '1e3',
  'true',
  'null',
  'NaN',
  '😀',
  'é',
  '[object Object]',
  '1,2',
];
const FIGURES = [0, -1, 1, 5, 2.5, 1e21, 1e-7, 9007199254740992];

const variable = (name: JsonLogic): JsonLogic => ({ var: name });
const letters = fc.constantFrom(...LETTERS);
const figures = fc.constantFrom(...FIGURES);
const of = (names: readonly string[], fallback: fc.Arbitrary<JsonLogic>, isThere = false): fc.Arbitrary<JsonLogic> => {
  const name = fc.constantFrom(...names);
  const given = fc.tuple(name, fallback).map(([attribute, otherwise]) => variable([attribute, otherwise]));
  const nested = fc.tuple(name, given).map(([attribute, otherwise]) => variable([attribute, otherwise]));
  return isThere ? fc.oneof(given, nested) : fc.oneof(name.map(variable), given, nested);
};
const operation = (operators: readonly string[], ...given: fc.Arbitrary<JsonLogic>[]): fc.Arbitrary<JsonLogic> =>
  fc.tuple(fc.constantFrom(...operators), fc.tuple(...given)).map(([operator, parts]) => ({ [operator]: parts }));
const either = (a: fc.Arbitrary<JsonLogic>, b: fc.Arbitrary<JsonLogic>, operators: readonly string[]) =>
  fc.oneof(operation(operators, a, b), operation(operators, b, a));

const STRICT = ['===', '!=='];
const LOOSE = ['==', '!='];
const ORDER = ['<', '<=', '>', '>='];
const list = (items: fc.Arbitrary<JsonLogic>): fc.Arbitrary<JsonLogic> =>
  fc.array(items, { minLength: 1, maxLength: 4 });

const anyNumber = of(NUMBER, figures, true);
const item = fc.constant(variable(''));
const textItem = fc.oneof(either(item, letters, [...STRICT, ...LOOSE]), operation(['in'], item, list(letters)));
const numberItem = fc.oneof(
  either(item, figures, [...STRICT, ...LOOSE, ...ORDER]),
  operation(['in'], item, list(figures)),
);
const negated = (condition: fc.Arbitrary<JsonLogic>): fc.Arbitrary<JsonLogic> =>
  fc.oneof(condition, operation(['!'], condition), operation(['and', 'or'], condition, condition));
const emptyList = fc.constant<JsonLogic>([]);
const iterations = fc.oneof(
  operation(['some', 'none', 'all'], of(TEXTS, emptyList, true), negated(textItem)),
  operation(['some', 'none'], of(TEXTS, emptyList), negated(textItem)),
  operation(['some', 'none', 'all'], of(NUMBERS, emptyList, true), negated(numberItem)),
  operation(
    ['some', 'none', 'all'],
    list(fc.oneof(of(TEXTS, emptyList), of(TEXT, letters))).map((merge): JsonLogic => ({ merge })),
    negated(textItem),
  ),
);

const comparison = fc.oneof(
  either(of(TEXT, letters), letters, [...STRICT, ...LOOSE]),
  either(of(NUMBER, figures), figures, STRICT),
  either(
    of(NUMBER, figures),
    figures.filter((figure) => figure !== 0),
    LOOSE,
  ),
  either(anyNumber, figures, [...LOOSE, ...ORDER]),
  operation(['<', '<='], anyNumber, figures, anyNumber),
  either(of(TRUTH, fc.boolean()), fc.boolean(), STRICT),
  either(of(TRUTH, fc.boolean(), true), fc.boolean(), LOOSE),
  either(
    fc.constantFrom(...TEXT, ...NUMBER, ...TRUTH, ...TEXTS, 'absent', 'anything').map(variable),
    fc.constant(null),
    STRICT,
  ),
  operation(STRICT, of(TEXT, letters), of([...TEXT, ...NUMBER], letters)),
  fc.constantFrom(...TEXT, ...NUMBER, ...TRUTH).map(variable),
  operation(['in'], of(TEXT, letters), list(letters)),
  operation(['in'], of(NUMBER, figures), list(figures)),
  operation(
    ['in'],
    letters.filter((text) => text !== ''),
    of([...TEXTS, ...TEXT, ...EITHER], fc.constant('ab')),
  ),
  operation(['in'], letters, of(TEXTS, emptyList)),
  operation(['in'], figures, of(NUMBERS, emptyList)),
  operation(['in'], of(TEXT, letters), of(TEXTS, emptyList)),
  operation(['starts_with', 'ends_with'], of(TEXT, letters), letters),
  operation(
    ['sem_ver'],
    of(['version'], fc.constant('1.0.0')),
    fc.constantFrom('=', '!=', '<', '<=', '>=', '>', '^', '~'),
    fc.constantFrom('1.0.0', '1.2.3', '0.0.0', '1.2.3-beta1'),
  ),
  iterations,
  fc.boolean(),
);

const { condition, answer } = fc.letrec<{ condition: JsonLogic; answer: JsonLogic }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparison,
    fc.oneof(
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((parts): JsonLogic => ({ and: parts })),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((parts): JsonLogic => ({ or: parts })),
      operation(['!', '!!'], tie('condition')),
      tie('condition').map((part): JsonLogic => ({ '!': part })),
      operation(['if'], tie('condition'), tie('condition'), tie('condition')),
    ),
  ),
  answer: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JsonLogic>(...MODES, null, 'nonsense'),
    fc.oneof(
      operation(['if'], tie('condition'), tie('answer'), tie('answer')),
      operation(['if'], tie('condition'), tie('answer')),
      operation(['if'], tie('condition'), tie('answer'), tie('condition'), tie('answer'), tie('answer')),
      of(['answer'], fc.constantFrom(...MODES)),
      // Beyond ASCII the evaluators hash a text differently: docs/flagd.md says so.
      of(['share_key'], fc.constantFrom('none', '', 'x y'), true).map(
        (by): JsonLogic => ({ fractional: [by, ['live', 10], ['paused', 20], ['read_only']] }),
      ),
    ),
  ),
}));

/** Conditions of a rule that `addRule` accepts, with every operator that one may have. */
export const conditionArbitrary: fc.Arbitrary<JsonLogic> = condition.filter((each) => typeof each === 'object');

/** Rules of a base mode that `setMode` accepts, with every operator that one may have. */
export const ruleArbitrary: fc.Arbitrary<JsonLogic> = fc
  .tuple(condition, answer, answer)
  .map(([test, then, otherwise]): JsonLogic => ({ if: [test, then, otherwise] }));

/** Values of JSON of every kind, sound and odd ones. */
const ODD: readonly unknown[] = [
  ...[null, true, false, {}, { a: 1 }, { toString: 'x' }, { constructor: null }, { var: 'agent_id' }],
  ...[{ if: [true, 'live'] }, { length: 0 }, [], [null], [true], [['a']], [{}], ['a', 1], [5], ['5']],
];
const oneOf = (...values: unknown[]): fc.Arbitrary<unknown> => fc.constantFrom(...values);
const oddly = (sound: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 14, arbitrary: sound }, { weight: 1, arbitrary: oneOf(...ODD, 'a', '5', ...FIGURES) });
const maybe = (names: readonly string[], sound: fc.Arbitrary<unknown>): Record<string, fc.Arbitrary<unknown>> =>
  Object.fromEntries(names.map((name) => [name, oddly(sound)]));

/** Contexts for these rules: most attributes are of their kind, some are absent, and some are of another kind. */
export const ruleContextArbitrary: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    ...maybe(['text_a', 'text_b'], letters),
    agent_id: oneOf('a', 'ab', 'gold', '5', '😀'),
    ...maybe(NUMBER, figures),
    ...maybe(TRUTH, fc.boolean()),
    ...maybe(['texts'], fc.array(letters, { maxLength: 3 })),
    lineage_agents: fc.array(oneOf('a', 'ab', 'gold'), { maxLength: 3 }),
    ...maybe(NUMBERS, fc.array(figures, { maxLength: 3 })),
    ...maybe(EITHER, fc.oneof(letters, fc.array(letters, { maxLength: 3 }))),
    ...maybe(['answer'], oneOf(...MODES, 'nonsense', '')),
    ...maybe(['anything'], oneOf(...ODD)),
    ...maybe(
      ['version'],
      oneOf('1.0.0', '1.2.3', 'v1.2.4', 'V2.0.0', '1', '1.2', '1.2.3-alpha', '1.2.3+x', '01.2.3', '1.2.3.4', 'x', ''),
    ),
    ...maybe(['share_key'], oneOf('a', 'b', 'c', '0', ' ')),
    targetingKey: oneOf('k', 'run-7'),
  },
  { requiredKeys: [] },
);

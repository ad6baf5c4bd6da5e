import { describe, expect, test } from 'vitest';
import {
  type AnswerDetails,
  answerProblem,
  autonomyFlag,
  CATALOGUE,
  featureFlag,
  type FlagKind,
  flagRow,
  limitFlag,
  safeAnswer,
  safeValueAs,
} from '../../flags/index.ts';

const good: Readonly<Record<FlagKind, unknown>> = { mode: 'live', feature: 'gated', limit: 12.5, autonomy: 'trusted' };
const kinds = Object.keys(CATALOGUE) as FlagKind[];
const problem = (kind: FlagKind, details: Partial<AnswerDetails>, callerDefault: unknown = 'none') =>
  answerProblem(CATALOGUE[kind], { value: good[kind], variant: 'v', reason: 'STATIC', ...details }, callerDefault);

describe('the catalogue of flags', () => {
  test.each([
    ['kill-switch.mode', 'mode', ''],
    ['kill-switch.feature.refunds', 'feature', 'refunds'],
    ['kill-switch.feature.__proto__', 'feature', '__proto__'],
    ['kill-switch.limit.refund.max', 'limit', 'refund.max'],
    ['kill-switch.autonomy.email.send', 'autonomy', 'email.send'],
  ])('knows %s', (flagKey, kind, name) => {
    expect(flagRow(flagKey)).toEqual({ row: CATALOGUE[kind as FlagKind], name });
  });

  test('has a key for each name', () => {
    expect([featureFlag('a.b'), limitFlag('a.b'), autonomyFlag('a.b')]).toEqual([
      'kill-switch.feature.a.b',
      'kill-switch.limit.a.b',
      'kill-switch.autonomy.a.b',
    ]);
  });

  test.each([
    ['mode', ['full_stop', 'paused', 'read_only', 'draft_only', 'test_mode', 'approval_gated', 'live']],
    ['feature', ['dark', 'shadow', 'gated', 'live']],
    ['limit', [0, 1, 2.5, 1e9]],
    ['autonomy', ['human_in_the_loop', 'human_on_the_loop', 'autonomous', 'trusted']],
  ] as const)(
    'ranks the values of a %s: the safe one is the strictest, and each leaves more than the one before',
    (kind, values) => {
      const { strictness, safeValue } = CATALOGUE[kind];
      expect(values[0]).toBe(safeValue);
      const ranks = values.map((value) => strictness(value) + 0); // no -0
      expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => b - a));
    },
  );

  test.each([
    'kill-switch.mode.x',
    'kill-switch.feature.',
    'kill-switch.',
    'mode',
    '',
    '__proto__',
    'KILL-SWITCH.MODE',
  ])('takes %j for an ordinary flag', (flagKey) => {
    expect(flagRow(flagKey)).toBeUndefined();
  });

  test('has the safe values of the contract, each of them valid', () => {
    expect(kinds.map((kind) => CATALOGUE[kind].safeValue)).toEqual(['full_stop', 'dark', 0, 'human_in_the_loop']);
    expect(kinds.map((kind) => CATALOGUE[kind].kind)).toEqual(kinds);
    for (const kind of kinds) expect(CATALOGUE[kind].isValid(CATALOGUE[kind].safeValue)).toBe(true);
  });

  test.each([
    ['string', 'full_stop'],
    ['boolean', false],
    ['number', 0],
    ['object', {}],
  ] as const)('answers the mode asked as a %s with %j', (type, value) => {
    expect(safeValueAs(CATALOGUE.mode, type)).toEqual(value);
  });

  test('answers a limit that is asked for as another type with the empty value of that type', () => {
    expect(
      (['number', 'string', 'boolean', 'object'] as const).map((type) => safeValueAs(CATALOGUE.limit, type)),
    ).toEqual([0, '', false, {}]);
  });

  test('answers with the safe value, its name as the variant, and without an error code', () => {
    const cause = { kind: 'fault', code: 'STALE', message: 'nothing has confirmed' } as const;
    expect(safeAnswer(CATALOGUE.mode, 'string', cause, 7)).toEqual({
      value: 'full_stop',
      variant: 'full_stop',
      reason: 'ERROR',
      flagMetadata: { cause: 'fault', code: 'STALE', message: 'nothing has confirmed', epoch: 7 },
    });
    expect(safeAnswer(CATALOGUE.mode, 'string', { kind: 'mode' }).reason).toBe('TARGETING_MATCH');
    expect(safeAnswer(CATALOGUE.mode, 'boolean', cause).variant).toBeUndefined();
    expect(safeAnswer(CATALOGUE.mode, 'string', cause).flagMetadata['epoch']).toBe(0); // it rests on no change
  });
});

describe('a positive answer', () => {
  test.each(kinds)('of a %s has no error, the right type, a known value, and a variant', (kind) => {
    expect(problem(kind, {})).toBeNull();
    expect(problem(kind, { errorCode: null as never })).toBeNull(); // as providers in plain JavaScript may write it
  });

  test.each(kinds)('of a %s may lack a variant when it is not the caller’s default', (kind) => {
    expect(problem(kind, { variant: undefined }, 'something else')).toBeNull();
    expect(problem(kind, { variant: '' }, 'something else')).toBeNull();
    expect(problem(kind, { variant: undefined }, good[kind])).toBe('FLAG_NOT_FOUND');
    expect(problem(kind, { variant: '' }, good[kind])).toBe('FLAG_NOT_FOUND');
    expect(problem(kind, {}, good[kind])).toBeNull(); // with a variant it may be what the caller had hoped for
  });

  test.each<[string, Partial<AnswerDetails>, string]>([
    ['an error code', { errorCode: 'GENERAL' }, 'ERROR'],
    ['an unknown error code', { errorCode: 'X' }, 'ERROR'],
    ['an empty error code', { errorCode: '' }, 'ERROR'],
    ['FLAG_NOT_FOUND', { errorCode: 'FLAG_NOT_FOUND' }, 'FLAG_NOT_FOUND'],
    ['TYPE_MISMATCH', { errorCode: 'TYPE_MISMATCH' }, 'TYPE_MISMATCH'],
    ['the reason ERROR', { reason: 'ERROR' }, 'ERROR'],
    ['the reason DISABLED', { reason: 'DISABLED' }, 'FLAG_DISABLED'],
    ['another type', { value: true }, 'TYPE_MISMATCH'],
    ['null', { value: null }, 'TYPE_MISMATCH'],
    ['nothing', { value: undefined }, 'TYPE_MISMATCH'],
  ])('has not %s', (_, details, expected) => {
    for (const kind of kinds) expect(problem(kind, details)).toBe(expected);
  });

  test.each<[FlagKind, unknown]>([
    ['mode', 'LIVE'],
    ['mode', ''],
    ['mode', '__proto__'],
    ['feature', 'on'],
    ['feature', 'full_stop'],
    ['limit', -1],
    ['limit', Number.NaN],
    ['limit', Number.POSITIVE_INFINITY],
    ['autonomy', 'live'],
  ])('of a %s is not %j', (kind, value) => {
    expect(problem(kind, { value })).toBe('INVALID_VALUE');
  });
});

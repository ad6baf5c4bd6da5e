import { type FlagValue, MultiProvider, OpenFeature, type Provider } from '@openfeature/server-sdk';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CATALOGUE,
  type Cause,
  causeFromMetadata,
  causeFromRecord,
  causeMetadata,
  causeRecord,
  causeSchema,
  describeCause,
  type FlagDetails,
  isFaultCode,
  MODE_FLAG,
  MODES,
  modeOf,
  readingFromDetails,
  safeAnswer,
  shellWord,
} from '../../flags/index.ts';
import { causesOf } from './causes.ts';
import { FailClosedHook } from '../../hooks/index.ts';
import { FailClosedProvider, StrictestWinsStrategy } from '../../provider/index.ts';

const each = Object.entries<fc.Arbitrary<Cause>>(causesOf);

/** An answer as the providers of this package give it: a fault is always the safe value. */
const answerWith = (cause: Cause, epoch: number): FlagDetails =>
  cause.kind === 'fault' || cause.kind === 'identity'
    ? safeAnswer(CATALOGUE.mode, 'string', cause, epoch)
    : { value: 'paused', variant: 'paused', reason: 'TARGETING_MATCH', flagMetadata: causeMetadata(cause, epoch) };

describe.each(each)('a cause of the kind %s survives', (_, causes) => {
  test('flag metadata, with any mode', () => {
    fc.assert(
      fc.property(causes, fc.constantFrom(...MODES), (cause, mode) => {
        const flagMetadata = causeMetadata(cause, 7);
        for (const value of Object.values(flagMetadata)) expect(['string', 'number']).toContain(typeof value);
        const reading = readingFromDetails({ value: mode, variant: mode, flagMetadata }, 'live');
        expect(reading.epoch).toBe(7);
        expect(modeOf(reading)).toMatchObject({ mode: cause.kind === 'fault' ? 'full_stop' : mode, cause });
        expect(causeFromMetadata(flagMetadata)).toEqual(cause);
      }),
    );
  });

  test('the record of an intervention', () => {
    fc.assert(
      fc.property(causes, (cause) => {
        const record = causeRecord(cause);
        for (const name of Object.keys(record)) expect(name).toMatch(/^[a-z_]+$/);
        expect(causeFromRecord(JSON.parse(JSON.stringify(record)))).toEqual(cause);
      }),
    );
  });

  test('the JSON of a decision', () => {
    fc.assert(
      fc.property(causes, (cause) => {
        expect(causeSchema.parse(JSON.parse(JSON.stringify(cause)))).toEqual(cause);
      }),
    );
  });

  test('into a sentence that names all of its ids', () => {
    fc.assert(
      fc.property(causes, (cause) => {
        const sentence = describeCause(cause);
        expect(sentence).not.toMatch(/undefined|\[object/);
        for (const [name, value] of Object.entries(causeMetadata(cause, 7))) {
          // It does not name a kill's own id, which says nothing to people, nor a status that stands in words.
          const isInWords = name === 'status' && 'why' in cause && cause.why !== null;
          // What a stop has stopped is named in the command that lifts it.
          const isTyped = name === 'target' && cause.kind !== 'kill';
          if (!['cause', 'epoch', 'killId'].includes(name) && !isInWords)
            expect(sentence).toContain(isTyped ? shellWord(String(value)) : String(value));
        }
      }),
    );
  });

  test.each(Object.keys(WAYS))('a client that %s', async (way) => {
    await fc.assert(
      fc.asyncProperty(causes, async (cause) => {
        answer = answerWith(cause, 7);
        const details = await OpenFeature.getClient(way).getStringDetails(MODE_FLAG, 'live', { agent_id: 'a' });
        expect(details.value).toBe(answer.value);
        expect(modeOf(readingFromDetails(details, 'live')).cause).toEqual(cause);
      }),
      { numRuns: 20 },
    );
  });
});

/** What the source of all clients answers next. */
let answer: FlagDetails = answerWith({ kind: 'mode' }, 0);

const source = (given: () => FlagDetails): Provider => {
  const resolve = async <T extends FlagValue>(): Promise<{ value: T }> => given() as { value: T };
  return {
    metadata: { name: 'source' },
    resolveStringEvaluation: resolve,
    resolveBooleanEvaluation: resolve,
    resolveNumberEvaluation: resolve,
    resolveObjectEvaluation: resolve,
  };
};

const asked = (): Provider => source(() => answer);
const live = (): Provider => source(() => ({ value: 'live', variant: 'live' }));

const WAYS: Readonly<Record<string, () => Provider>> = {
  'asks the provider itself': asked,
  'asks a FailClosedProvider': () => new FailClosedProvider(asked()),
  'asks several sources at once': () =>
    new MultiProvider([{ provider: live() }, { provider: asked() }], new StrictestWinsStrategy()),
  'asks fail-closed sources at once': () =>
    new FailClosedProvider(
      new MultiProvider(
        [{ provider: new FailClosedProvider(asked()) }, { provider: new FailClosedProvider(live()) }],
        new StrictestWinsStrategy(),
      ),
    ),
};

beforeAll(async () => {
  OpenFeature.addHooks(new FailClosedHook());
  for (const [domain, provider] of Object.entries(WAYS)) await OpenFeature.setProviderAndWait(domain, provider());
});

afterAll(() => OpenFeature.close());

describe('a cause that cannot be read is no cause', () => {
  const kill = { cause: 'kill', killId: 'k', target: 'all', killedBy: 'dana', reason: 'wrong' };

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['a kind that only another version has', { cause: 'eclipse', of: 'the sun' }],
    ['a kind that objects have', { cause: '__proto__' }],
    ['a kind that is not a text', { cause: { kind: 'kill' } }],
    ['a kill without its id', { ...kill, killId: undefined }],
    ['a kill with an empty id', { ...kill, killId: '' }],
    ['a kill by a number', { ...kill, killedBy: 7 }],
    ['a kill of a list', { ...kill, target: ['all'] }],
    ['a reason that is not a text', { ...kill, reason: 7 }],
    ['a huge id', { ...kill, killId: 'k'.repeat(1_000_000) }],
    ['a feature at a stage that there is not', { cause: 'feature', feature: 'refunds', stage: 'constructor' }],
    ['a limit without a number', { cause: 'limit', limit: 'refund.max', value: 300, max: Number.NaN }],
    ['a limit with half a number', { cause: 'limit', limit: 'refund.max', value: 300, max: '2e9' }],
    ['a huge amount', { cause: 'budget', scope: 'day', type: 'usd', spent: '9'.repeat(1_000_000), limit: 1 }],
    ['members under a prototype of another kind', Object.create({ cause: 'rule' }) as Record<string, unknown>],
  ])('%s: the mode counts, and is its own cause', (_, flagMetadata) => {
    expect(causeFromMetadata(flagMetadata)).toBe(null);
    const details = { value: 'paused', variant: 'paused', flagMetadata: { ...flagMetadata, epoch: 7 } };
    expect(readingFromDetails(details, 'live')).toEqual({ mode: 'paused', cause: { kind: 'mode' }, epoch: 7 });
    const { cause, ...members } = flagMetadata;
    expect(causeFromRecord({ kind: cause, ...members })).toBe(null);
  });

  test('texts that are too long are cut, and members that the row does not have are left out', () => {
    const flagMetadata = JSON.parse(
      JSON.stringify({ ...kill, reason: 'w'.repeat(1_000_000), more: 'x' }).replace('"more"', '"__proto__"'),
    );
    const cause = causeFromMetadata(flagMetadata);
    expect(cause).toEqual({ kind: 'kill', killId: 'k', target: 'all', killedBy: 'dana', reason: 'w'.repeat(4000) });
    expect(Object.keys(cause ?? {})).toEqual(['kind', 'killId', 'target', 'killedBy', 'reason']);
  });

  test.each<[string, unknown]>([
    ['another version’s', 'NEW_FAULT'],
    ['one that objects have', 'constructor'],
    ['none', undefined],
    ['a number', 7],
    ['a huge one', 'X'.repeat(1_000_000)],
  ])('a fault with a code that is %s is a fault of the provider, whatever the value says', (_, code) => {
    const flagMetadata = { cause: 'fault', code, message: 'because' };
    const { mode, cause } = modeOf(readingFromDetails({ value: 'live', variant: 'live', flagMetadata }, 'live'));
    expect({ mode, cause }).toMatchObject({ mode: 'full_stop', cause: { kind: 'fault', code: 'PROVIDER_ERROR' } });
    expect(describeCause(cause)).toContain(': because');
    expect(describeCause(cause).length).toBeLessThan(300);
    expect(isFaultCode(code)).toBe(false);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 2 ** 60, '7', null, {}])(
    'an epoch of %s is none: it goes into records',
    (epoch) => {
      const details = { value: 'live', variant: 'live', flagMetadata: { epoch } };
      expect(readingFromDetails(details, 'paused')).toMatchObject({ mode: 'live', epoch: 0 });
    },
  );
});

test('a record has its free texts without secrets, and every id as it is', () => {
  const secret = 'https://ann:hunter2@store.example';
  for (const cause of [
    { kind: 'kill', killId: 'sk-0123456789abc', target: 'all', killedBy: 'dana', reason: secret },
    { kind: 'identity', message: secret },
    { kind: 'fault', code: 'INTERNAL', message: secret },
    { kind: 'limit', limit: 'refund.max', value: secret, max: 200 },
  ] as const) {
    expect(JSON.stringify(causeRecord(cause))).not.toContain('hunter2');
    if (cause.kind === 'kill') expect(causeRecord(cause)['kill_id']).toBe('sk-0123456789abc');
  }
});

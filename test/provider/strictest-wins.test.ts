import {
  type Client,
  InMemoryProvider,
  MultiProvider,
  OpenFeature,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderStatus,
} from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { FailClosedHook } from '../../hooks/index.ts';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../../provider/index.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { clientOf, faultOf, live, modeOf, never, stubProvider } from './helpers.ts';

const source = (flags: Record<string, string | number | boolean>): Provider =>
  new InMemoryProvider(
    Object.fromEntries(
      Object.entries(flags).map(([key, value]) => [
        key,
        { variants: { it: value } as Record<'it', string>, defaultVariant: 'it', disabled: false },
      ]),
    ),
  );
const modes = (...values: string[]): Provider[] => values.map((mode) => source({ 'kill-switch.mode': mode }));

const multi = (providers: readonly Provider[], timeoutMs?: number): MultiProvider =>
  new MultiProvider(
    providers.map((provider, index) => ({ provider, name: `source-${index + 1}` })),
    new StrictestWinsStrategy({ timeoutMs }),
  );

describe('StrictestWinsStrategy', () => {
  it.each([
    [['live', 'live'], 'live'],
    [['live', 'paused'], 'paused'],
    [['full_stop', 'live'], 'full_stop'],
    [['draft_only', 'approval_gated', 'test_mode'], 'draft_only'],
    [['live', 'nonsense'], 'full_stop'],
  ])('of the modes %j answers %s', async (values, mode) => {
    const client = await clientOf(multi(modes(...values)));
    expect(await modeOf(client)).toBe(mode);
  });

  it('takes the earliest stage, the smallest limit and the earliest autonomy', async () => {
    const flags = (stage: string, limit: number, autonomy: string): Provider =>
      source({ 'kill-switch.feature.x': stage, 'kill-switch.limit.x': limit, 'kill-switch.autonomy.x': autonomy });
    const client = await clientOf(multi([flags('gated', 30, 'trusted'), flags('shadow', 200, 'human_on_the_loop')]));
    expect(await client.getStringValue('kill-switch.feature.x', 'live')).toBe('shadow');
    expect(await client.getNumberValue('kill-switch.limit.x', 999)).toBe(30);
    expect(await client.getStringValue('kill-switch.autonomy.x', 'trusted')).toBe('human_on_the_loop');
  });

  it('counts a source that does not know the flag as full_stop, and says so', async () => {
    const client = await clientOf(multi([source({ 'kill-switch.mode': 'live' }), source({})]));
    expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
      value: 'full_stop',
      variant: 'full_stop',
      flagMetadata: { cause: 'fault', code: 'FLAG_NOT_FOUND' },
    });
    expect(await client.getNumberValue('kill-switch.limit.x', 999)).toBe(0);
    expect(await client.getBooleanValue('kill-switch.mode', true)).toBe(false);
  });

  it.each([
    ['throws', stubProvider(() => Promise.reject(new Error('boom'))), 'PROVIDER_ERROR'],
    [
      'answers only the caller’s default',
      stubProvider(() => ({ value: 'live' as never, reason: 'DEFAULT' })),
      'FLAG_NOT_FOUND',
    ],
    ['is disabled', stubProvider(() => ({ value: 'live' as never, reason: 'DISABLED' })), 'FLAG_DISABLED'],
    ['hangs', stubProvider(never), 'DEADLINE_EXCEEDED'],
    [
      'has a hook that throws',
      stubProvider(live, { hooks: [{ after: () => Promise.reject(new Error('hook')) }] }),
      'PROVIDER_ERROR',
    ],
  ])('counts a source that %s as full_stop within the deadline', async (_what, bad, code) => {
    const client = await clientOf(multi([...modes('live'), bad], 80));
    const began = performance.now();
    expect(await modeOf(client)).toBe('full_stop');
    expect(await faultOf(client)).toBe(code);
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('accepts a value without a variant where it is not the caller’s default', async () => {
    const bare = stubProvider(() => ({ value: 'read_only' as never }));
    const client = await clientOf(multi([...modes('live'), bare]));
    expect(await modeOf(client)).toBe('read_only');
  });

  it('counts a source that is stale or in error as full_stop although it would answer, until it is READY again', async () => {
    const events = new OpenFeatureEventEmitter();
    const client = await clientOf(multi([...modes('live'), stubProvider(live, { events })]));
    expect(await modeOf(client)).toBe('live');
    for (const event of [ProviderEvents.Stale, ProviderEvents.Error] as const) {
      events.emit(event, {});
      expect(await faultOf(client)).toBe(event === ProviderEvents.Stale ? 'STALE' : 'NOT_READY');
      expect(await modeOf(client)).toBe('full_stop');
    }
    events.emit(ProviderEvents.Ready, {});
    expect(await modeOf(client)).toBe('live');
  });

  it('needs the hook where a source is FATAL or hangs while it initialises: then the client asks no provider', async () => {
    const events = new OpenFeatureEventEmitter();
    const fatal = await clientOf(multi([...modes('live'), stubProvider(live, { events })]));
    events.emit(ProviderEvents.Error, { errorCode: 'PROVIDER_FATAL' } as never);
    expect(fatal.providerStatus).toBe(ProviderStatus.FATAL);
    OpenFeature.setProvider('starting', multi([...modes('live'), stubProvider(live, { initialize: () => never() })]));
    const starting = OpenFeature.getClient('starting');
    expect([await modeOf(fatal), await modeOf(starting)]).toEqual(['live', 'live']);
    OpenFeature.addHooks(new FailClosedHook());
    expect([await modeOf(fatal), await modeOf(starting)]).toEqual(['full_stop', 'full_stop']);
  });

  describe('counts a source whose initialize failed as full_stop although it would answer', () => {
    const failing = (events?: OpenFeatureEventEmitter): Provider =>
      stubProvider(live, {
        initialize: () => Promise.reject(new Error('no route to it')),
        ...(events ? { events } : {}),
      });
    const throwing = (): Provider =>
      stubProvider(live, {
        initialize: () => {
          throw new Error('at once');
        },
      });

    it.each([
      ['rejects', () => failing()],
      ['throws', throwing],
      ['rejects, in a FailClosedProvider', () => new FailClosedProvider(failing())],
    ])('where it %s', async (_what, bad) => {
      const client = await clientOf(multi([...modes('live'), bad()]));
      expect(await faultOf(client)).toBe('NOT_READY');
      expect(await modeOf(client)).toBe('full_stop');
    });

    it('and says what it had failed with', async () => {
      const client = await clientOf(multi([failing()]));
      expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
        value: 'full_stop',
        flagMetadata: { code: 'NOT_READY', message: expect.stringContaining('no route to it') },
      });
    });

    it('until it says that it is READY', async () => {
      const events = new OpenFeatureEventEmitter();
      const client = await clientOf(multi([...modes('live'), failing(events)]));
      expect(await modeOf(client)).toBe('full_stop');
      events.emit(ProviderEvents.Ready, {});
      expect(await modeOf(client)).toBe('live');
    });

    it('although it had said that it was READY before', async () => {
      const events = new OpenFeatureEventEmitter();
      const initialize = async (): Promise<void> => {
        events.emit(ProviderEvents.Ready, {});
        throw new Error('after all');
      };
      const client = await clientOf(multi([...modes('live'), stubProvider(live, { events, initialize })]));
      expect(await modeOf(client)).toBe('full_stop');
    });

    it('and asks the others, which were initialised although it threw', async () => {
      let initialised = 0;
      const good = stubProvider(live, {
        initialize: async () => {
          initialised += 1;
        },
      });
      const client = await clientOf(multi([throwing(), good]));
      expect(initialised).toBe(1);
      expect(await modeOf(client)).toBe('full_stop');
    });

    it('and only such a source: one that was initialised answers, also after it was closed and initialised again', async () => {
      const initialize = async (): Promise<void> => {};
      const both = multi([...modes('live'), stubProvider(live, { initialize })]);
      expect(await modeOf(await clientOf(both))).toBe('live');
      await OpenFeature.clearProviders();
      expect(await modeOf(await clientOf(both))).toBe('live');
    });

    it('by one patch of the SDK, however many strategies there are', () => {
      multi(modes('live'));
      const { initialize } = MultiProvider.prototype;
      multi(modes('live'));
      expect(MultiProvider.prototype.initialize).toBe(initialize);
    });

    it('and a MultiProvider with another strategy is as it was', async () => {
      const client = await clientOf(new MultiProvider([{ provider: failing() }]));
      expect(await modeOf(client)).toBe('live');
    });
  });

  it('asks a source that its MultiProvider has not handed over only where it answers safely by itself', () => {
    const unseen = (): Provider => stubProvider(live, { initialize: async () => {} });
    const isAsked = (provider: Provider): boolean =>
      new StrictestWinsStrategy().shouldEvaluateThisProvider({
        flagKey: 'kill-switch.mode',
        flagType: 'string',
        provider,
        providerName: 'it',
        providerStatus: undefined as never,
      });
    expect(isAsked(unseen())).toBe(false);
    expect(isAsked(stubProvider(live))).toBe(false);
    expect(isAsked(new FailClosedProvider(unseen()))).toBe(true);
    expect(isAsked(new KillSwitchProvider({ store: memoryStore() }))).toBe(true);
  });

  it('is full_stop, and says why, where a MultiProvider does not hand over its sources', async () => {
    const closed = multi(modes('live'));
    for (const entry of closed.providerEntries) Object.freeze(entry);
    const client = await clientOf(closed);
    expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
      value: 'full_stop',
      flagMetadata: { code: 'UNSUPPORTED', message: expect.stringMatching(/source-1 .*FailClosedProvider/) },
    });
  });

  it('is full_stop with no source at all', async () => {
    const client = await clientOf(multi([]));
    expect(await faultOf(client)).toBe('NOT_READY');
    expect(await modeOf(client)).toBe('full_stop');
  });

  describe('leaves a source of the app’s as it was', () => {
    const shapeOf = (provider: Provider): unknown[] => [
      Object.getPrototypeOf(provider),
      Object.getOwnPropertyDescriptors(provider),
    ];

    it('with its own properties, whatever it is asked', async () => {
      const sources = [
        ...modes('live'),
        stubProvider(live, { initialize: async () => {}, events: new OpenFeatureEventEmitter() }),
      ];
      const before = sources.map(shapeOf);
      const client = await clientOf(multi(sources));
      expect(await modeOf(client)).toBe('live');
      await client.getBooleanValue('checkout', false);
      expect(sources.map(shapeOf)).toEqual(before);
      expect(Object.isExtensible(sources[1])).toBe(true);
    });

    it.each(['frozen', 'sealed'] as const)('also one that is %s, which has its deadline all the same', async (how) => {
      const lock = <T>(provider: T): T => (how === 'frozen' ? Object.freeze(provider) : Object.seal(provider));
      let resolve = async (): Promise<ReturnType<typeof live>> => live();
      const initialize = async (): Promise<void> => {};
      const client = await clientOf(multi([...modes('live'), lock(stubProvider(() => resolve(), { initialize }))], 80));
      expect(await modeOf(client)).toBe('live');
      resolve = never;
      expect(await faultOf(client)).toBe('DEADLINE_EXCEEDED');
      expect(await modeOf(client)).toBe('full_stop');
    });

    it('so that two MultiProviders can have it, each with its own deadline, and a third one without any', async () => {
      const slow = stubProvider(async () => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        return live();
      });
      const clients = [multi([slow], 40), multi([slow], 2000), new MultiProvider([{ provider: slow }])].map(clientOf);
      const [hasty, patient, without] = await Promise.all(clients);
      expect(await faultOf(hasty as Client)).toBe('DEADLINE_EXCEEDED');
      expect(await modeOf(patient as Client)).toBe('live');
      expect(await modeOf(without as Client)).toBe('live');
    });

    it('so that who asks it directly gets its own answers', async () => {
      const own = { value: 'as it is' as never, reason: 'DEFAULT' };
      const source = stubProvider(() => own);
      expect(await modeOf(await clientOf(multi([source])))).toBe('full_stop');
      const { resolveStringEvaluation } = source;
      expect(await resolveStringEvaluation.call(source, 'kill-switch.mode', 'live', {}, console)).toBe(own);
    });
  });

  it('does not let a source that hangs while it starts keep the client from asking', async () => {
    const hanging = stubProvider(live, { initialize: () => never() });
    const strategy = new StrictestWinsStrategy({ initializeTimeoutMs: 60 });
    const client = await clientOf(new MultiProvider([{ provider: hanging }], strategy));
    expect(client.providerStatus).toBe(ProviderStatus.ERROR);
    expect(await faultOf(client)).toBe('NOT_READY');
    expect(await modeOf(client)).toBe('full_stop');
  });

  it('answers ordinary flags from the first source that can, also where the one before it hangs', async () => {
    const client = await clientOf(
      multi([stubProvider(never), source({ a: 'first' }), source({ a: 'second', b: 'second' })], 60),
    );
    expect(await client.getStringValue('a', 'none')).toBe('first');
    expect(await client.getStringValue('b', 'none')).toBe('second');
    expect(await client.getStringDetails('c', 'none')).toMatchObject({ value: 'none', reason: 'ERROR' });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FailClosedHook } from '../../hooks/index.ts';

/** The part that both SDKs share; the web SDK answers at once, the server SDK with a promise. */
export interface Sdk {
  readonly OpenFeature: {
    addHooks(...hooks: object[]): unknown;
    clearHooks(): unknown;
    getHooks(): readonly unknown[];
    setLogger(logger: object): unknown;
    clearProviders(): Promise<void>;
    setProvider(domain: string, provider: object): unknown;
    setProviderAndWait(domain: string, provider: object): Promise<void>;
    getClient(domain?: string): object;
  };
  readonly ProviderFatalError: new (message: string) => Error;
}

type Details = {
  value: unknown;
  variant?: string;
  reason?: string;
  errorCode?: string;
  flagMetadata: Record<string, unknown>;
};
type Resolution = Partial<Details>;
type Client = Record<
  'getBooleanDetails' | 'getStringDetails' | 'getNumberDetails' | 'getObjectDetails',
  (...args: unknown[]) => Details | Promise<Details>
> & { addHooks(...hooks: object[]): unknown; getStringValue(...args: unknown[]): unknown };

const MODE = 'kill-switch.mode';
let domains = 0;

export function describeFailClosedHook(name: string, side: 'server' | 'web', load: () => Promise<unknown>): void {
  describe(`FailClosedHook over ${name}`, () => {
    let sdk: Sdk;
    let domain: string;
    let warnings: string[];
    let hook: FailClosedHook;

    beforeEach(async () => {
      sdk ??= (await load()) as Sdk;
      domain = `domain-${++domains}`;
      warnings = [];
      const note = (...args: unknown[]): void => void warnings.push(args.map(String).join(' '));
      sdk.OpenFeature.setLogger({ error: () => {}, warn: note, info: () => {}, debug: () => {} });
      hook = new FailClosedHook();
      sdk.OpenFeature.addHooks(hook);
    });

    afterEach(async () => {
      sdk.OpenFeature.clearHooks();
      await sdk.OpenFeature.clearProviders();
    });

    /** A provider whose every answer is what `resolve` says. */
    const provider = (resolve: (flagKey: string, defaultValue: unknown) => Resolution, more: object = {}): object => {
      const answer =
        side === 'web'
          ? (key: string, value: unknown) => resolve(key, value)
          : async (key: string, value: unknown) => resolve(key, value);
      return {
        metadata: { name: 'test' },
        runsOn: side === 'web' ? 'client' : 'server',
        resolveBooleanEvaluation: answer,
        resolveStringEvaluation: answer,
        resolveNumberEvaluation: answer,
        resolveObjectEvaluation: answer,
        ...more,
      };
    };
    const clientOf = (of?: string): Client => sdk.OpenFeature.getClient(of) as Client;
    const serving = async (resolve: (flagKey: string, defaultValue: unknown) => Resolution): Promise<Client> => {
      await sdk.OpenFeature.setProviderAndWait(domain, provider(resolve));
      return clientOf(domain);
    };
    /** One evaluation with a careless default. On the server a context stands before the options. */
    const ask = async (
      client: Client,
      options: object = {},
      key = MODE,
      careless: unknown = 'live',
    ): Promise<Details> => {
      const method = {
        string: 'getStringDetails',
        number: 'getNumberDetails',
        boolean: 'getBooleanDetails',
        object: 'getObjectDetails',
      }[typeof careless as 'string'] as 'getStringDetails';
      return side === 'web' ? client[method](key, careless, options) : client[method](key, careless, {}, options);
    };
    const live = (): Resolution => ({ value: 'live', variant: 'live', reason: 'STATIC' });

    const expectStop = (details: Details, code: string): void => {
      expect(details).toMatchObject({
        value: 'full_stop',
        variant: 'full_stop',
        reason: 'ERROR',
        flagMetadata: { cause: 'fault', code },
      });
      expect(details.errorCode).toBeTypeOf('string');
      expect(details.flagMetadata['message']).not.toBe('');
    };

    it('lets a positive answer through as it is', async () => {
      const client = await serving(() => ({ ...live(), flagMetadata: { epoch: 7 } }));
      expect(await ask(client)).toMatchObject({
        value: 'live',
        variant: 'live',
        reason: 'STATIC',
        flagMetadata: { epoch: 7 },
      });
      expect(await ask(client, {}, MODE, 'full_stop')).toMatchObject({ value: 'live' });
      expect(warnings).toEqual([]);
    });

    it('stops where no provider was ever set', async () => {
      expectStop(await ask(clientOf('nobody')), 'NOT_READY');
    });

    it('stops while the provider is initialising', async () => {
      sdk.OpenFeature.setProvider(domain, provider(live, { initialize: () => new Promise(() => {}) }));
      expectStop(await ask(clientOf(domain)), 'NOT_READY');
    });

    it('stops where the provider is FATAL, which a client never asks', async () => {
      const fatal = provider(live, { initialize: () => Promise.reject(new sdk.ProviderFatalError('no licence')) });
      await expect(sdk.OpenFeature.setProviderAndWait(domain, fatal)).rejects.toThrow('no licence');
      const details = await ask(clientOf(domain));
      expectStop(details, 'PROVIDER_ERROR');
      expect(details.errorCode).toBe('PROVIDER_FATAL');
    });

    it.each([
      ['throws', () => Promise.reject(new Error('boom')), 'PROVIDER_ERROR'],
      ['answers with nothing', () => undefined, 'PROVIDER_ERROR'],
      ['does not know the flag', () => ({ value: 'live', errorCode: 'FLAG_NOT_FOUND' }), 'FLAG_NOT_FOUND'],
      ['says the type is wrong', () => ({ value: 'live', errorCode: 'TYPE_MISMATCH' }), 'TYPE_MISMATCH'],
      [
        'gives reason ERROR without a code',
        () => ({ value: 'live', variant: 'live', reason: 'ERROR' }),
        'PROVIDER_ERROR',
      ],
      ['says DISABLED without a code', () => ({ value: 'live', variant: 'live', reason: 'DISABLED' }), 'FLAG_DISABLED'],
      ['answers the default without a variant', () => ({ value: 'live', reason: 'DEFAULT' }), 'FLAG_NOT_FOUND'],
      ['answers a number', () => ({ value: 1, variant: 'live' }), 'TYPE_MISMATCH'],
      ['answers null', () => ({ value: null, variant: 'live' }), 'TYPE_MISMATCH'],
      ['answers a mode that does not exist', () => ({ value: 'alive', variant: 'alive' }), 'INVALID_MODE'],
      ['answers a mode in capitals', () => ({ value: 'LIVE', variant: 'LIVE' }), 'INVALID_MODE'],
    ])('stops where the resolver %s', async (_what, resolve, code) => {
      const throwing = (): Resolution => {
        throw new Error('boom');
      };
      const client = await serving(
        side === 'web' && code === 'PROVIDER_ERROR' && _what === 'throws' ? throwing : (resolve as never),
      );
      expectStop(await ask(client), code);
    });

    it.each(['before', 'after', 'error'])(
      'stops where another hook throws in %s, wherever it is registered',
      async (stage) => {
        const throwing = {
          [stage]: () => {
            throw new Error(`thrown in ${stage}`);
          },
        };
        // The error stage runs only where there is an error already.
        const client = await serving(stage === 'error' ? () => ({ value: 'live', errorCode: 'GENERAL' }) : live);
        expectStop(await ask(client, { hooks: [throwing] }), 'PROVIDER_ERROR');
        client.addHooks(throwing);
        expectStop(await ask(client), 'PROVIDER_ERROR');
        sdk.OpenFeature.addHooks(throwing);
        expectStop(await ask(clientOf(domain)), 'PROVIDER_ERROR');
      },
    );

    it('stops where the hooks of the provider throw', async () => {
      const thrower = {
        after: () => {
          throw new Error('after');
        },
      };
      await sdk.OpenFeature.setProviderAndWait(domain, provider(live, { hooks: [thrower] }));
      expectStop(await ask(clientOf(domain)), 'PROVIDER_ERROR');
    });

    it('gives every kill-switch flag its own safe value, and leaves other flags alone', async () => {
      const client = await serving((_key, value) => ({ value: value as never, reason: 'DEFAULT' }));
      const safe = async (key: string, careless: unknown): Promise<unknown> =>
        (await ask(client, {}, key, careless)).value;
      expect(await safe('kill-switch.feature.refunds', 'live')).toBe('dark');
      expect(await safe('kill-switch.limit.refund.max', 10_000)).toBe(0);
      expect(await safe('kill-switch.autonomy.email.send', 'trusted')).toBe('human_in_the_loop');
      expect(await safe('new-checkout', 'on')).toBe('on');
      expect(await safe('kill-switch.feature.', 'live')).toBe('live');
      expect(await safe('kill-switch.modes', 'live')).toBe('live');
    });

    it('answers false, 0 or {} where a flag is asked with the wrong type', async () => {
      const client = await serving((_key, value) => ({ value: value as never, variant: 'on', reason: 'STATIC' }));
      expect(await ask(client, {}, MODE, true)).toMatchObject({
        value: false,
        flagMetadata: { code: 'TYPE_MISMATCH' },
      });
      expect(await ask(client, {}, MODE, 7)).toMatchObject({ value: 0 });
      expect(await ask(client, {}, MODE, { live: true })).toMatchObject({ value: {} });
      expect(await ask(client, {}, 'kill-switch.limit.x', true)).toMatchObject({ value: false });
      expect(await ask(client, {}, 'kill-switch.limit.x', 'all')).toMatchObject({ value: '' });
      expect((await ask(client, {}, MODE, true)).variant).toBeUndefined();
    });

    it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('takes a limit of %d for a missing one', async (value) => {
      const client = await serving(() => ({ value, variant: 'x', reason: 'STATIC' }));
      expect(await ask(client, {}, 'kill-switch.limit.x', 5)).toMatchObject({
        value: 0,
        flagMetadata: { code: 'INVALID_VALUE' },
      });
    });

    it('keeps the fault that a provider has named, and its epoch, also beside a permissive value', async () => {
      const named = { cause: 'fault', code: 'GENERATION_CHANGED', message: 'the store has lost changes', epoch: 41 };
      const client = await serving(() => ({ ...live(), flagMetadata: named }));
      const details = await ask(client);
      expectStop(details, 'GENERATION_CHANGED');
      expect(details.flagMetadata).toEqual(named);
    });

    it('undoes what another hook put into the answer of a failed evaluation', async () => {
      const meddling = {
        finally: (_context: unknown, details: { value: unknown }) => {
          details.value = 'approval_gated';
        },
      };
      const client = await serving(() => ({ value: 'live', errorCode: 'GENERAL' }));
      client.addHooks(meddling);
      expectStop(await ask(client), 'PROVIDER_ERROR');
    });

    it('does not throw on details that are frozen or no object, and warns that it could not change them', async () => {
      const freezing = { finally: (_context: unknown, details: object) => void Object.freeze(details) };
      const client = await serving(() => ({ value: 'live', errorCode: 'GENERAL' }));
      expect((await ask(client, { hooks: [freezing] })).value).toBe('live');
      await ask(client, { hooks: [freezing] });
      expect(warnings).toEqual([expect.stringContaining('another hook has frozen it')]);
      const last = hook.finally.bind(hook) as (...args: unknown[]) => void;
      const context = { flagKey: MODE, flagValueType: 'string', defaultValue: 'live' };
      for (const odd of [
        undefined,
        null,
        'live',
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('odd');
            },
          },
        ),
      ]) {
        expect(() => last(context, odd)).not.toThrow();
      }
      expect(() => last({}, undefined)).not.toThrow();
    });

    it('has the last word when it was registered on the API before all others', async () => {
      const loosening = {
        finally: (_context: unknown, details: { value: unknown }) => {
          details.value = 'live';
        },
      };
      sdk.OpenFeature.addHooks(loosening);
      const client = await serving(() => ({ value: 'live', errorCode: 'GENERAL' }));
      expectStop(await ask(client), 'PROVIDER_ERROR');
      expect(hook.isLastWord(sdk.OpenFeature)).toBe(true);
      expect(warnings).toEqual([]);
    });

    it('warns once where another hook of the API runs after it', async () => {
      sdk.OpenFeature.clearHooks();
      sdk.OpenFeature.addHooks({ finally: () => {} }, hook);
      const client = await serving(live);
      await ask(client);
      await ask(client);
      expect(hook.isLastWord(sdk.OpenFeature)).toBe(false);
      expect(warnings).toEqual([expect.stringContaining('registered on the API before it')]);
    });

    it('warns once where it is registered on a client or for one evaluation only, and stops there all the same', async () => {
      sdk.OpenFeature.clearHooks();
      const client = await serving(() => ({ value: 'live', errorCode: 'GENERAL' }));
      expectStop(await ask(client, { hooks: [hook] }), 'PROVIDER_ERROR');
      client.addHooks(hook);
      expectStop(await ask(client), 'PROVIDER_ERROR');
      expect(warnings).toEqual([expect.stringContaining('registered on a client, a provider or one evaluation')]);
    });
  });
}

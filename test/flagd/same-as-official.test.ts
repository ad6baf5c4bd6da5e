import { join } from 'node:path';
import { FlagdProvider } from '@openfeature/flagd-provider';
import type { EvaluationContext, JsonValue } from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { type FlagdKillSwitchOptions, FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { clientOf, modeOf } from '../provider/helpers.ts';
import { hasFlagd, startFlagd, temporaryFolder } from '../servers/index.ts';
import { hasOpenssl, makeCertificate } from '../store/redis/certificates.ts';

const on = { state: 'ENABLED', variants: { yes: true, no: false }, defaultVariant: 'no' };
const OBJECT = {
  text: 'é“\u0000',
  numbers: [0, -1, 1.5, 2 ** 40, 1e300],
  nested: { on: true, off: false, none: null, list: [[], {}, [null]], __proto__x: 1 },
};

const definition = {
  metadata: { flagSetId: 'app', team: 'a', level: 3, sure: false },
  flags: {
    yes: { ...on, targeting: { if: [{ '==': [{ var: 'who.name' }, 'ann'] }, 'yes', 'no'] }, metadata: { owner: 'b' } },
    listed: { ...on, targeting: { if: [{ in: ['blue', { var: 'colours' }] }, 'yes', 'no'] } },
    many: { ...on, targeting: { if: [{ '>': [{ var: 'count' }, 2.5] }, 'yes', 'no'] } },
    sure: { ...on, targeting: { if: [{ '===': [{ var: 'sure' }, true] }, 'yes', 'no'] } },
    text: { state: 'ENABLED', variants: { empty: '', long: 'x'.repeat(70_000) }, defaultVariant: 'long' },
    empty: { state: 'ENABLED', variants: { empty: '' }, defaultVariant: 'empty' },
    number: { state: 'ENABLED', variants: { low: -0.25 }, defaultVariant: 'low' },
    zero: { state: 'ENABLED', variants: { zero: 0 }, defaultVariant: 'zero' },
    object: { state: 'ENABLED', variants: { it: OBJECT }, defaultVariant: 'it' },
    disabled: { ...on, state: 'DISABLED' },
    'kill-switch.mode': { state: 'ENABLED', variants: { live: 'live' }, defaultVariant: 'live' },
    undefault: { state: 'ENABLED', variants: { yes: true } },
  },
};

const KEYS = [...Object.keys(definition.flags).filter((key) => key !== 'kill-switch.mode'), 'missing'];

const CONTEXTS: EvaluationContext[] = [
  {},
  { targetingKey: 'ü', who: { name: 'ann' }, colours: ['red', 'blue'], count: 3, sure: true },
  { who: { name: 'bob', tags: [{ a: 1 }, []] }, colours: [], count: 2, sure: false, nothing: null },
  { left: undefined, count: '3', sure: 'true' } as unknown as EvaluationContext,
];

describe.skipIf(!hasFlagd)('flagd asked over our own connection', () => {
  it('gives the official provider’s answer for each context and each flag that is not of the switch', async () => {
    const { host, port } = await startFlagd({ flags: definition });
    const official = await clientOf(new FlagdProvider({ host, port, cache: 'disabled' }));
    const ours = await clientOf(new FlagdKillSwitchProvider({ host, port, deadlineMs: 5000 }));
    let asked = 0;
    for (const context of CONTEXTS) {
      for (const key of KEYS) {
        const answers = await Promise.all(
          [official, ours].map(async (client) => [
            await client.getBooleanDetails(key, true, context),
            await client.getStringDetails(key, 'none', context),
            await client.getNumberDetails(key, 7, context),
            await client.getObjectDetails<JsonValue>(key, ['none'], context),
          ]),
        );
        expect(answers[1], `${key} for ${JSON.stringify(context)}`).toEqual(answers[0]);
        asked += answers.flat().length;
      }
    }
    expect(asked).toBe(CONTEXTS.length * KEYS.length * 8);
    expect((await ours.getObjectValue('object', {})) as unknown).toEqual(OBJECT);
    expect((await ours.getStringValue('text', '')).length).toBe(70_000);
  });

  it('answers many at once, and goes on where one cannot be sent', async () => {
    const { host, port } = await startFlagd({ flags: definition });
    const client = await clientOf(new FlagdKillSwitchProvider({ host, port, deadlineMs: 5000 }));
    const ask = (count: number): Promise<boolean> => client.getBooleanValue('many', false, { count });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, count) => ask(count)));
    expect(answers).toEqual(answers.map((_, count) => count > 2.5));
    const around: Record<string, unknown> = { count: 9 };
    around['around'] = around;
    const unsent = await client.getBooleanDetails('many', false, around as EvaluationContext);
    expect(unsent).toMatchObject({ value: false, reason: 'ERROR' });
    expect(await ask(9)).toBe(true);
  });

  it.each([
    ['all of it where nobody says otherwise', {}],
    ['what the app makes of it', { contextEnricher: () => ({ region: 'us', plan: 'pro' }) }],
  ])('in-process, mixes in the context that flagd sends along: %s', async (_what, options) => {
    const targeting = { if: [{ '==': [{ var: 'region' }, 'eu'] }, 'yes', 'no'] };
    const flags = { ...definition.flags, yes: { ...on, targeting } };
    const { host, syncPort: port } = await startFlagd({ flags: { flags }, args: ['--context-value', 'region=eu'] });
    const settings = { host, port, resolverType: 'in-process' as const, ...options };
    const official = await clientOf(new FlagdProvider(settings));
    const ours = await clientOf(new FlagdKillSwitchProvider(settings));
    const answer = await official.getBooleanDetails('yes', false, { count: 1 });
    await expect.poll(() => ours.getBooleanDetails('yes', false, { count: 1 })).toEqual(answer);
    expect(answer.value).toBe(!('contextEnricher' in options));
  });

  const reaches = async (where: FlagdKillSwitchOptions): Promise<void> => {
    const client = await clientOf(new FlagdKillSwitchProvider({ ...where, deadlineMs: 5000 }));
    expect(await client.getNumberDetails('number', 7)).toMatchObject({ value: -0.25, variant: 'low' });
    expect(await client.getStringValue('kill-switch.mode', 'none')).toBe('live');
  };

  it('reaches it over a unix socket', async () => {
    const socketPath = join(temporaryFolder('flagd-socket').path, 'flagd.sock');
    await startFlagd({ flags: definition, args: ['--socket-path', socketPath] });
    await reaches({ socketPath });
  });

  it.skipIf(!hasOpenssl)('reaches it over TLS, and not where its certificate is not trusted', async () => {
    const { path } = temporaryFolder('flagd-tls');
    const [keyPath, certPath] = [join(path, 'key.pem'), join(path, 'cert.pem')];
    makeCertificate(keyPath, certPath);
    const args = ['--server-key-path', keyPath, '--server-cert-path', certPath];
    const { port } = await startFlagd({ flags: definition, args });
    await reaches({ host: 'localhost', port, tls: true, certPath });
    const trusting = await clientOf(new FlagdKillSwitchProvider({ host: 'localhost', port, tls: true, leaseMs: 500 }));
    expect(await modeOf(trusting)).toBe('full_stop');
    const certless = await clientOf(
      new FlagdKillSwitchProvider({
        host: 'localhost',
        port,
        tls: true,
        certPath: join(path, 'none.pem'),
        leaseMs: 500,
      }),
    );
    expect(await certless.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
      value: 'full_stop',
      flagMetadata: { message: expect.stringContaining('none.pem') },
    });
  });
});

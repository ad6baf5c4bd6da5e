import { FlagdProvider } from '@openfeature/flagd-provider';
import { InMemoryProvider, MultiProvider, type Provider } from '@openfeature/server-sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FailClosedProvider, StrictestWinsStrategy } from '../../provider/index.ts';
import { clientOf, faultOf, modeOf, untilMode } from '../provider/helpers.ts';
import { type FlagdServer, hasFlagd, startFlagd } from '../servers/index.ts';

const definition = {
  flags: {
    'kill-switch.mode': { state: 'ENABLED', variants: { live: 'live' }, defaultVariant: 'live' },
    checkout: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' },
  },
};

/** The official provider as it is; closed while flagd answers, because otherwise it goes on connecting for ever. */
async function official(options: { deadlineMs?: number } = {}): Promise<{ server: FlagdServer; provider: Provider }> {
  const server = await startFlagd({ flags: definition });
  const provider = new FlagdProvider({ host: '127.0.0.1', port: server.port, cache: 'disabled', ...options });
  onTestFinished(() => server.thaw());
  return { server, provider };
}

describe.skipIf(!hasFlagd)('the official flagd provider, which waits for ever for a frozen flagd', () => {
  it('is full_stop within the deadline inside a FailClosedProvider', async () => {
    const { server, provider } = await official();
    const client = await clientOf(new FailClosedProvider(provider, { timeoutMs: 250 }));
    expect(await modeOf(client)).toBe('live');
    await server.freeze();
    const began = performance.now();
    expect(await faultOf(client)).toBe('DEADLINE_EXCEEDED');
    expect(await client.getBooleanDetails('checkout', false)).toMatchObject({ value: false, errorCode: 'GENERAL' });
    expect(performance.now() - began).toBeLessThan(2000);
    await server.thaw();
    await untilMode(client, 'live');
  });

  const besideLive = (provider: Provider): MultiProvider => {
    const other = new InMemoryProvider({
      'kill-switch.mode': { variants: { live: 'live' }, defaultVariant: 'live', disabled: false },
    });
    return new MultiProvider([{ provider: other }, { provider }], new StrictestWinsStrategy({ timeoutMs: 250 }));
  };

  it('is full_stop as one of two sources while it could not be initialised, and READY by itself', async () => {
    const { server, provider } = await official({ deadlineMs: 300 });
    await server.freeze();
    const client = await clientOf(besideLive(provider));
    expect(await faultOf(client)).toBe('NOT_READY');
    await server.thaw();
    await untilMode(client, 'live');
  });

  it('is full_stop within the deadline as one of two sources', async () => {
    const { server, provider } = await official();
    const client = await clientOf(besideLive(provider));
    expect(await modeOf(client)).toBe('live');
    await server.freeze();
    const began = performance.now();
    expect(await modeOf(client)).toBe('full_stop');
    expect(performance.now() - began).toBeLessThan(2000);
    await server.thaw();
    await untilMode(client, 'live');
  });
});

import {
  type Client,
  type EvaluationContext,
  OpenFeature,
  type Provider,
  type ProviderEvents,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import { onTestFinished, vi } from 'vitest';

let domains = 0;

/**
 * A client without any hook over this provider, on a domain of its own; the provider is closed with the test. Its start
 * may fail, as some tests want.
 */
export async function clientOf(provider: Provider): Promise<Client> {
  const domain = `test-${++domains}`;
  OpenFeature.setLogger({ error: () => {}, warn: () => {}, info: () => {}, debug: () => {} });
  onTestFinished(async () => {
    await OpenFeature.clearProviders();
    OpenFeature.clearHooks();
  });
  await OpenFeature.setProviderAndWait(domain, provider).catch(() => {});
  return OpenFeature.getClient(domain);
}

/** The mode that a client gets with a careless default. */
export const modeOf = (client: Client, context: EvaluationContext = {}): Promise<string> =>
  client.getStringValue('kill-switch.mode', 'live', context);

/** The fault that a client's answer names, `''` where it names none. */
export async function faultOf(client: Client, context: EvaluationContext = {}): Promise<string> {
  const { flagMetadata } = await client.getStringDetails('kill-switch.mode', 'live', context);
  return flagMetadata['cause'] === 'fault' ? String(flagMetadata['code']) : '';
}

/** Resolves with the details of the next event. */
export const nextEvent = (client: Client, event: ProviderEvents): Promise<Record<string, unknown>> =>
  new Promise((resolve) => {
    const handler = (details?: object): void => {
      client.removeHandler(event, handler);
      resolve((details ?? {}) as Record<string, unknown>);
    };
    client.addHandler(event, handler);
  });

/** Waits until a client's answer is this one. */
export const untilMode = (client: Client, mode: string, context: EvaluationContext = {}, timeout = 10_000) =>
  vi.waitFor(
    async () => {
      const now = await modeOf(client, context);
      if (now !== mode) throw new Error(`the mode is ${now}, not ${mode}`);
    },
    { interval: 5, timeout },
  );

/** A provider whose every answer is made by `resolve`, which may change while the test runs. */
export function stubProvider(
  resolve: () => Promise<ResolutionDetails<never>> | ResolutionDetails<never> | undefined,
  more: Partial<Provider> = {},
): Provider {
  const answer = async (): Promise<ResolutionDetails<never>> => resolve() as ResolutionDetails<never>;
  return {
    metadata: { name: 'stub' },
    runsOn: 'server',
    resolveBooleanEvaluation: answer,
    resolveStringEvaluation: answer,
    resolveNumberEvaluation: answer,
    resolveObjectEvaluation: answer,
    ...more,
  };
}

export const live = (): ResolutionDetails<never> => ({ value: 'live' as never, variant: 'live', reason: 'STATIC' });
export const never = <T>(): Promise<T> => new Promise(() => {});

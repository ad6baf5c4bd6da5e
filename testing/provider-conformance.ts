import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EvaluationContext, Logger, Provider } from '@openfeature/server-sdk';
import { invalid, MODES, type Mode, quoteId } from '../flags/index.ts';
import { checkKeys } from '../flags/options.ts';
import type { ConformanceTest } from './store-conformance.ts';

/** A provider over a source that the suite sets, breaks and mends. */
export interface ProviderHarness {
  /** Not yet initialised. */
  readonly provider: Provider;
  /**
   * Makes the source serve this mode to everyone; it serves `live` at first. Resolves when the source serves it; the
   * provider may follow later.
   */
  setMode(mode: Mode): Promise<void>;
  /** From now on the source cannot be reached. */
  breakSource(): Promise<void>;
  mendSource(): Promise<void>;
  /** The longest time from `breakSource` until the provider answers `full_stop`, in milliseconds. */
  readonly boundMs: number;
  /** Ends the source. The suite itself closes the provider. */
  close(): Promise<void>;
}

/** How the suite gets the provider that it tests. */
export interface ProviderConformanceOptions {
  /** Opens a provider over a source of its own for each test. */
  open(): Promise<ProviderHarness>;
}

const ignore = (): void => {};
const QUIET: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
/** Longer than any provider may take to notice that its source has changed or is back. */
const PATIENCE_MS = 15_000;

/** The value that a caller with a careless default (`live`) gets from the provider alone, without any hook. */
async function careless(provider: Provider, context: EvaluationContext = {}): Promise<unknown> {
  const details = await provider.resolveStringEvaluation('kill-switch.mode', 'live', context, QUIET);
  return details.errorCode === undefined ? details.value : 'live';
}

async function until(what: string, holds: () => Promise<boolean>, ms = PATIENCE_MS): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    ok(performance.now() < end, `${what}: not within ${ms} ms`);
    await sleep(5);
  }
}

const untilMode = (provider: Provider, mode: Mode, ms?: number): Promise<void> =>
  until(`the mode is ${mode}`, async () => (await careless(provider)) === mode, ms);

type Test = (harness: ProviderHarness) => Promise<void>;

const TESTS: Readonly<Record<string, Test>> = {
  async 'serves each mode that its source says, with a variant'({ provider, setMode }) {
    await provider.initialize?.();
    for (const mode of MODES) {
      await setMode(mode);
      await untilMode(provider, mode);
    }
    const { variant } = await provider.resolveStringEvaluation('kill-switch.mode', 'live', {}, QUIET);
    ok(variant, 'the mode has no variant, so it could be taken for a caller’s default');
  },
  async 'answers full_stop before it is initialised'({ provider }) {
    equal(await careless(provider), 'full_stop');
  },
  async 'answers full_stop after it was closed'({ provider }) {
    await provider.initialize?.();
    await untilMode(provider, 'live');
    await provider.onClose?.();
    equal(await careless(provider), 'full_stop');
  },
  async 'answers full_stop in time when its source cannot be reached, names the fault, and recovers by itself'(
    harness,
  ) {
    const { provider, boundMs } = harness;
    await provider.initialize?.();
    await untilMode(provider, 'live');
    await harness.breakSource();
    await untilMode(provider, 'full_stop', boundMs);
    const { flagMetadata, variant, errorCode } = await provider.resolveStringEvaluation(
      'kill-switch.mode',
      'live',
      {},
      QUIET,
    );
    equal(flagMetadata?.['cause'], 'fault');
    notEqual(flagMetadata?.['code'], undefined);
    notEqual(flagMetadata?.['message'], '');
    equal(variant, 'full_stop');
    equal(errorCode, undefined);
    await harness.mendSource();
    await untilMode(provider, 'live');
  },
  async 'starts over a source that cannot be reached, stopped, and recovers by itself'(harness) {
    const { provider } = harness;
    await harness.breakSource();
    await Promise.resolve(provider.initialize?.()).catch(ignore);
    equal(await careless(provider), 'full_stop');
    await harness.mendSource();
    await untilMode(provider, 'live');
  },
  async 'answers a feature that nobody has set with dark, and an autonomy with human_in_the_loop'({ provider }) {
    await provider.initialize?.();
    await untilMode(provider, 'live');
    const ask = async (flagKey: string, value: string): Promise<unknown> =>
      (await provider.resolveStringEvaluation(flagKey, value, {}, QUIET)).value;
    equal(await ask('kill-switch.feature.unheard-of', 'live'), 'dark');
    equal(await ask('kill-switch.autonomy.unheard.of', 'trusted'), 'human_in_the_loop');
  },
  async 'answers the mode asked with the wrong type with false, 0 or {}, whatever the caller’s default'({ provider }) {
    await provider.initialize?.();
    await untilMode(provider, 'live');
    const value = ({ value: it, errorCode }: { readonly value: unknown; readonly errorCode?: unknown }): unknown =>
      errorCode ? 'default' : it;
    equal(value(await provider.resolveBooleanEvaluation('kill-switch.mode', true, {}, QUIET)), false);
    equal(value(await provider.resolveNumberEvaluation('kill-switch.mode', 1, {}, QUIET)), 0);
    deepEqual(value(await provider.resolveObjectEvaluation('kill-switch.mode', { a: 1 }, {}, QUIET)), {});
  },
  async 'can be closed twice, and while it starts'({ provider }) {
    const starting = Promise.resolve(provider.initialize?.()).catch(ignore);
    await provider.onClose?.();
    await provider.onClose?.();
    await starting;
    equal(await careless(provider), 'full_stop');
  },
};

/**
 * What every fail-closed provider must do for a caller with a careless default and no hook:
 * `for (const { name, run } of providerConformance({ open })) test(name, run)`. A test fails by an AssertionError.
 */
export function providerConformance(options: ProviderConformanceOptions): readonly ConformanceTest[] {
  const { open } = checkKeys('providerConformance', options, { open: true });
  if (typeof open !== 'function')
    throw invalid(`open of providerConformance must be a function, not ${quoteId(open)}.`);
  return Object.entries(TESTS).map(([name, test]) => ({
    name,
    async run() {
      const harness = await open();
      try {
        await test(harness);
      } finally {
        await harness.provider.onClose?.();
        await harness.close();
      }
    },
  }));
}

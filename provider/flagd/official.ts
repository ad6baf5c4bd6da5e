import { setTimeout as sleep } from 'node:timers/promises';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { type Hook, type Provider, ProviderEvents } from '@openfeature/server-sdk';
import { KillSwitchError } from '../../flags/index.ts';
import { within } from '../../store/with-deadline.ts';
import type { FlagdSettings } from './options.ts';
import { reachable } from './reachable.ts';

type FlagdProviderOptions = NonNullable<ConstructorParameters<typeof FlagdProvider>[0]>;

/** The least time between two attempts, in milliseconds. */
const PAUSE_MS = 200;

/** What the official provider tells. */
export interface OfficialListener {
  /** These flags have changed. */
  readonly onChanged: (flagKeys: readonly string[]) => void;
  /** Its stream was lost, or is there again. */
  readonly onStream: () => void;
}

/**
 * The official flagd provider, replaced whenever its connection can no longer be trusted. It would not get out by itself in time: after a long outage gRPC
 * waits up to two minutes before it connects again, and a connection that a network has forgotten stays READY for a quarter of an hour.
 */
export class OfficialFlagd {
  readonly #settings: FlagdSettings;
  readonly #listener: OfficialListener;
  #current: FlagdProvider | null = null;
  #broken = true;
  #made = 0;
  #madeAt = Number.NEGATIVE_INFINITY;
  #making: Promise<Provider> | null = null;
  #initialized: Promise<void> = Promise.resolve();
  readonly #retiring = new Set<Promise<void>>();
  #closed = false;

  constructor(settings: FlagdSettings, listener: OfficialListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  /** The present one, null before the first and where its stream is not up. */
  get current(): Provider | null {
    return this.#broken ? null : this.#current;
  }

  get hooks(): readonly Hook[] {
    return this.#current?.hooks ?? [];
  }

  /** This one is not to be relied on any more; the next `sound()` makes another. */
  distrust(provider: Provider): void {
    if (provider === this.#current) this.#broken = true;
  }

  /** One whose stream is up: the present one, or a new one when that is broken. Rejects when it cannot be had within twice the deadline. */
  sound(): Promise<Provider> {
    if (this.#current && !this.#broken) return Promise.resolve(this.#current);
    this.#making ??= this.#make().finally(() => {
      this.#making = null;
    });
    return this.#making;
  }

  async #make(): Promise<Provider> {
    this.#drop();
    // Where each stream ends as soon as it has begun, this would otherwise go round without a pause.
    const pause = this.#madeAt + PAUSE_MS - performance.now();
    if (pause > 0) await sleep(pause, undefined, { ref: false });
    this.#madeAt = performance.now();
    // A gRPC client that was refused and is then closed connects once more when flagd is back, for nothing: so none is made before somebody listens.
    await reachable(this.#settings);
    if (this.#closed) throw new KillSwitchError('CLOSED', 'The provider has been closed.');
    const { deadlineMs, logger } = this.#settings;
    const next = new FlagdProvider(this.#officialOptions(), logger);
    this.#current = next;
    this.#broken = true;
    const lost = (): void => {
      silence(next);
      if (next !== this.#current) return;
      this.#drop(); // at once: questions that are under way would be asked again, and for that connect
      this.#listener.onStream();
    };
    next.events.addHandler(ProviderEvents.Stale, lost);
    next.events.addHandler(ProviderEvents.Error, lost);
    next.events.addHandler(ProviderEvents.ConfigurationChanged, (details) => {
      const { flagsChanged } = (details ?? {}) as { flagsChanged?: readonly string[] };
      if (next === this.#current) this.#listener.onChanged(flagsChanged ?? []);
    });
    this.#initialized = within(
      next.initialize(),
      2 * deadlineMs,
      () => new Error(`flagd did not answer within ${2 * deadlineMs} ms`),
    );
    await this.#initialized;
    if (next !== this.#current) throw new KillSwitchError('CLOSED', 'This connection to flagd has been given up.');
    this.#broken = false;
    return next;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#drop();
    await Promise.all(this.#retiring);
  }

  #drop(): void {
    const old = this.#current;
    this.#current = null;
    if (!old) return;
    const retired = retire(old, this.#initialized).finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }

  #officialOptions(): FlagdProviderOptions {
    const { host, port, socketPath, resolverType, tls, certPath, defaultAuthority, selector, deadlineMs } =
      this.#settings;
    const { contextEnricher } = this.#settings;
    this.#made += 1;
    const options = {
      host,
      port,
      socketPath,
      resolverType,
      tls,
      certPath,
      defaultAuthority,
      selector,
      deadlineMs,
      offlineFlagSourcePath: undefined,
      cache: 'disabled', // a cached answer is as old as the last change that came through, which a dead stream hides
      keepAliveTime: 0, // flagd's gRPC server sends away who pings; a question with a deadline tells more
      fatalStatusCodes: [],
      retryBackoffMaxMs: 1000,
      // gRPC shares one connection among all clients with equal options, also one that hangs or waits before it connects again. This option
      // differs with each provider that is made, so each has a connection of its own; its meaning does not matter, for deadlines are shorter.
      retryBackoffMs: 1000 * (1 + (this.#made % 600)),
      ...(contextEnricher ? { contextEnricher } : {}),
    };
    // Members that are undefined are meant: left out, they would be taken from the environment.
    return options as unknown as FlagdProviderOptions;
  }
}

/** Closes one that is done with, when it has stopped waiting for its connection: a gRPC client that is closed in the midst of that connects once more, for good. */
async function retire(provider: FlagdProvider, initialized: Promise<void>): Promise<void> {
  silence(provider);
  try {
    await initialized;
  } catch {
    // It could not connect: it is closed all the same.
  }
  try {
    await provider.onClose();
  } catch {
    // Nobody uses it any more.
  }
}

/**
 * Ends the official provider's own attempts to connect again: another one takes its place, and once closed it would go on with them for ever and keep the
 * process alive. There is no public way; tests that count connections and timers after closing show that this one works.
 */
function silence(provider: FlagdProvider): void {
  const service: unknown = Reflect.get(provider, '_service');
  const owners = [service, (service as { _dataFetcher?: unknown } | undefined)?._dataFetcher];
  for (const owner of owners as ({ listen?: unknown } | undefined)[]) {
    if (typeof owner?.listen === 'function') owner.listen = () => {};
  }
}

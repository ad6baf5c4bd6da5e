import { MultiProvider, type Provider, ProviderEvents } from '@openfeature/server-sdk';
import { type Fault, messageOf } from '../flags/index.ts';

/** A strategy with this method is told of each source that its `MultiProvider` is about to initialise. */
export const WATCH_SOURCE = Symbol.for('openfeature-kill-switch.watch-source');
const TELLS = Symbol.for('openfeature-kill-switch.tells-sources');

/**
 * Has every `MultiProvider` tell its strategy of the sources before it initialises them. It keeps no note of a source whose `initialize` failed, and its
 * strategy hears of a source only when a flag is asked for: there is no other way to know. For strategies without `WATCH_SOURCE` nothing changes.
 */
export function tellSources(): void {
  const { initialize } = MultiProvider.prototype;
  if (TELLS in initialize) return;
  const telling: typeof initialize = function (this: MultiProvider, ...given) {
    const watch = Reflect.get(Object(Reflect.get(this, 'evaluationStrategy')), WATCH_SOURCE);
    if (typeof watch === 'function') for (const { provider } of this.providerEntries) watch(provider);
    return initialize.apply(this, given);
  };
  MultiProvider.prototype.initialize = Object.assign(telling, { [TELLS]: true });
}

/** A provider with this member answers safely by itself while it is not ready, whoever initialises it. */
export const ANSWERS_SAFELY = Symbol.for('openfeature-kill-switch.answers-safely');

/** How the `initialize` of each source has ended. */
export class Initialisations {
  /** Why a source is not ready; null once it is. */
  readonly #faults = new WeakMap<Provider, string | null>();
  readonly #watched = new WeakSet<Provider>();

  /** From now on what becomes of its `initialize` is known; one that throws at once rejects instead, so that the sources after it are initialised. */
  readonly watch = (provider: Provider): void => {
    const { initialize } = provider;
    if (typeof initialize !== 'function' || this.#watched.has(provider)) return;
    const value: typeof initialize = async (...given) => {
      this.#faults.set(provider, 'is initialising');
      try {
        await initialize.apply(provider, given);
        this.#faults.set(provider, null);
      } catch (error) {
        this.#faults.set(provider, `could not be initialised: ${messageOf(error)}`);
        throw error;
      }
    };
    if (!Reflect.defineProperty(provider, 'initialize', { value, configurable: true, writable: true })) return;
    this.#watched.add(provider);
    // One that recovers by itself says so.
    provider.events?.addHandler(ProviderEvents.Ready, () => void this.#faults.set(provider, null));
  };

  /** Why a source cannot be relied on; null for one that has been initialised, or needs not be. */
  faultOf(provider: Provider, name: string): Fault | null {
    if (typeof provider.initialize !== 'function' || ANSWERS_SAFELY in provider) return null;
    const fault = this.#faults.get(provider);
    if (fault === null) return null;
    const unseen = 'has not been seen to be initialised; a FailClosedProvider around it would see it';
    return { code: 'NOT_READY', message: `the source ${name} ${fault ?? unseen}` };
  }
}

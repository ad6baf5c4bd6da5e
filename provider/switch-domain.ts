import { type Client, type Hook, OpenFeature, type Provider, ProviderEvents } from '@openfeature/server-sdk';
import { type Fault, invalid, messageOf, type Reversing } from '../flags/index.ts';
import type { ModeClient, ModeSource, SwitchClient } from '../flags/mode-source.ts';
import type { Replica } from '../store/replica.ts';
import { AskedProvider } from './asked-provider.ts';
import { KillSwitchProvider } from './kill-switch-provider.ts';
import { asReversing } from './reversing.ts';
import { servesOpenSwitch } from './serves-switch.ts';

/**
 * @throws KillSwitchError INVALID_ARGUMENT when an open switch lives there, also one of another copy of this package
 */
export function checkDomainIsFree(domain: string): void {
  const bound = OpenFeature.getProvider(domain);
  if (bound === OpenFeature.getProvider() || !servesOpenSwitch(bound)) return;
  throw invalid(
    `The domain ${JSON.stringify(domain)} has an open kill switch already, perhaps of another copy of this package: close it first (await its close()), or give this one another domain.`,
  );
}

/**
 * Serves the mode on a domain: from a local copy, or from a provider of the app's. The domain is taken when this
 * returns: nobody else can have it meanwhile. After the switch was closed its provider stays there and answers
 * `full_stop`, so that nobody who asks then gets a default of their own.
 *
 * @param spareHooks what the provider adds to its own hooks
 */
export function serveOn(
  domain: string,
  from: { readonly replica: Replica } | { readonly provider: Provider },
  spareHooks: () => readonly Hook[],
): ModeSource {
  const served = 'replica' in from ? new OwnProvider(from, spareHooks) : new AskedProvider(from.provider, spareHooks);
  const initialised = OpenFeature.setProviderAndWait(domain, served).catch(() => {});
  const client = OpenFeature.getClient(domain);
  const about = served instanceof AskedProvider ? clientAbout(served, client) : null;
  return {
    // A local copy is looked up for the guard's own subject in any case.
    client: about ?? client,
    limits: about,
    reversing: 'replica' in from ? (reversing) => clientReversing(reversing, client) : null,
    fault() {
      const bound = OpenFeature.getProvider(domain);
      return bound === served && !served.closed ? null : domainTaken(domain, bound);
    },
    initialised,
    watch: 'replica' in from ? null : (onNews) => watchClient(client, onNews),
    close: () => served.onClose(),
  };
}

/** Asks the provider about exactly the subject that is given; hooks can only make what it answers stricter. */
const clientAbout = (served: AskedProvider, client: Client): SwitchClient => ({
  getStringDetails: (flagKey, defaultValue, subject = {}) =>
    served.about(subject, () => client.getStringDetails(flagKey, defaultValue, subject)),
  getNumberDetails: (flagKey, defaultValue, subject = {}) =>
    served.limitAbout(subject, () => client.getNumberDetails(flagKey, defaultValue, subject)),
});

const clientReversing = (reversing: Reversing, client: Client): ModeClient => ({
  getStringDetails: (flagKey, defaultValue, subject = {}) =>
    asReversing(reversing, subject, () => client.getStringDetails(flagKey, defaultValue, subject)),
});

const NEWS = [ProviderEvents.ConfigurationChanged, ProviderEvents.Error, ProviderEvents.Stale, ProviderEvents.Ready];

function watchClient(client: Client, onNews: () => void): () => void {
  for (const event of NEWS) client.addHandler(event, onNews);
  return () => {
    for (const event of NEWS) client.removeHandler(event, onNews);
  };
}

/** What another provider answers on the domain says nothing about this switch. */
const domainTaken = (domain: string, { metadata }: Provider): Fault => ({
  code: 'DOMAIN_TAKEN',
  message: messageOf(
    `the domain ${JSON.stringify(domain)} no longer has this switch's own open provider, but ${JSON.stringify(metadata.name)} (OpenFeature.setProvider, clearProviders or close was called, perhaps by another copy of this package): close this switch and create it anew, on a domain that nobody else uses`,
  ),
});

class OwnProvider extends KillSwitchProvider {
  readonly #spareHooks: () => readonly Hook[];

  constructor(shared: { readonly replica: Replica }, spareHooks: () => readonly Hook[]) {
    super(shared);
    this.#spareHooks = spareHooks;
  }

  override get hooks(): Hook[] {
    return [...super.hooks, ...this.#spareHooks()];
  }
}

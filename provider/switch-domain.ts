import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Client,
  type EvaluationContext,
  type EvaluationDetails,
  type Hook,
  OpenFeature,
  type Provider,
  ProviderEvents,
} from '@openfeature/server-sdk';
import { type Fault, IDENTITY_ATTRIBUTES, invalid, LINEAGE_ATTRIBUTES, messageOf } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { FailClosedProvider } from './fail-closed-provider.ts';
import { KillSwitchProvider } from './kill-switch-provider.ts';
import { SERVES_SWITCH, servesOpenSwitch } from './serves-switch.ts';

/** The OpenFeature domain that a switch lives on. */
export interface SwitchDomain {
  /** Asks for exactly the subject that the context names. */
  readonly client: {
    getStringDetails(
      flagKey: string,
      defaultValue: string,
      context?: EvaluationContext,
    ): Promise<EvaluationDetails<string>>;
  };
  /** Why the answers on the domain say nothing about this switch now; null when they do. */
  readonly fault: () => Fault | null;
  /**
   * Resolves when its provider has been initialised, also without success: then it is NOT_READY or ERROR, which are
   * full_stop, and may recover.
   */
  readonly initialised: Promise<void>;
  /**
   * Calls `onNews` when the answers may have changed, until the returned function is called. Null where a local copy is
   * served, which has listeners of its own.
   */
  readonly watch: ((onNews: () => void) => () => void) | null;
  close(): Promise<void>;
}

/**
 * @throws KillSwitchError INVALID_ARGUMENT when an open switch lives there, also one of another copy of this package
 */
export function checkDomainIsFree(domain: string): void {
  const bound = OpenFeature.getProvider(domain);
  if (bound === OpenFeature.getProvider() || !servesOpenSwitch(bound)) return;
  throw invalid(
    `The domain ${JSON.stringify(domain)} has an open kill switch already, perhaps of another copy of this package: close it first, or give this one another domain.`,
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
): SwitchDomain {
  const asking = new AsyncLocalStorage<EvaluationContext>();
  const served =
    'replica' in from ? new OwnProvider(from, spareHooks) : new AskedProvider(from.provider, asking, spareHooks);
  const initialised = OpenFeature.setProviderAndWait(domain, served).catch(() => {});
  const client = OpenFeature.getClient(domain);
  // A local copy is looked up for the guard's own subject in any case; a provider of the app's must be asked about
  // exactly that subject.
  const aboutNobodyElse: SwitchDomain['client'] = {
    getStringDetails: (flagKey, defaultValue, context = {}) =>
      asking.run(context, () => client.getStringDetails(flagKey, defaultValue, context)),
  };
  return {
    client: 'replica' in from ? client : aboutNobodyElse,
    fault() {
      const bound = OpenFeature.getProvider(domain);
      return bound === served && !served.closed ? null : domainTaken(domain, bound);
    },
    initialised,
    watch: 'replica' in from ? null : (onNews) => watchClient(client, onNews),
    close: () => served.onClose(),
  };
}

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

/**
 * A provider of the app's that is asked about exactly the guard's subject: the last of its own hooks runs after every
 * other hook, so none can put another subject in its place.
 */
class AskedProvider extends FailClosedProvider {
  readonly #asking: AsyncLocalStorage<EvaluationContext>;
  readonly #spareHooks: () => readonly Hook[];
  #open = true;

  constructor(inner: Provider, asking: AsyncLocalStorage<EvaluationContext>, spareHooks: () => readonly Hook[]) {
    super(inner);
    this.#asking = asking;
    this.#spareHooks = spareHooks;
  }

  get [SERVES_SWITCH](): boolean {
    return this.#open;
  }

  get closed(): boolean {
    return !this.#open;
  }

  override get hooks(): Hook[] {
    const who: Hook = {
      // An undefined value removes what other hooks have put there; the SDK's type of a context does not know it.
      before: ({ context }) => ({ ...context, ...NOBODY, ...this.#asking.getStore() }) as EvaluationContext,
    };
    return [...super.hooks, ...this.#spareHooks(), ...(this.#asking.getStore() ? [who] : [])];
  }

  override async onClose(): Promise<void> {
    this.#open = false;
    await super.onClose();
  }
}

/** Every attribute of a subject, undefined: what the guard's subject does not name must not come from elsewhere. */
const NOBODY = Object.fromEntries(
  [...Object.keys(IDENTITY_ATTRIBUTES), ...Object.keys(LINEAGE_ATTRIBUTES)].map((attribute): [string, undefined] => [
    attribute,
    undefined,
  ]),
);

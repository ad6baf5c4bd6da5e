import {
  type EvaluationContext,
  type EventDetails,
  type FlagValue,
  GeneralError,
  type Hook,
  type JsonValue,
  type Logger,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/server-sdk';
import {
  checkLeaseMs,
  checkTimeout,
  type Clock,
  type Fault,
  flagRow,
  type FlagType,
  invalid,
  LEASE_MS,
  messageOf,
  subjectFromContext,
} from '../flags/index.ts';
import { within } from '../store/with-deadline.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import {
  ANSWERS_SAFELY,
  askWithin,
  ownAnswer,
  resolvePositive,
  safeResolution,
  safeResolutionFor,
} from './positive.ts';

export interface FailClosedOptions {
  /** How long one evaluation may take, in milliseconds. Default 1000. */
  readonly timeoutMs?: number | undefined;
  /** How long `initialize` and `onClose` of the inner provider may take, in milliseconds. Default 3000. */
  readonly initializeTimeoutMs?: number | undefined;
  /**
   * How long the inner provider may be trusted since a `confirm` that succeeded was sent, in milliseconds: 500 to
   * 60000, default 5000. Only with `confirm`.
   */
  readonly leaseMs?: number | undefined;
  /**
   * Proves that what the inner provider serves is fresh: resolves only then. Asked every third of the lease, and
   * ignored when it takes longer than that.
   */
  readonly confirm?: (() => Promise<void>) | undefined;
  /**
   * Listens to what suggests that `confirm` should be asked now, for instance that the inner provider has changed:
   * calls the function that it is given each time, until the function that it has returned is called. Only with
   * `confirm`; without it `confirm` is asked by time alone.
   */
  readonly onNews?: ((confirmNow: () => void) => () => void) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

type Told = 'READY' | 'STALE' | 'ERROR';
type Status = { readonly is: 'READY' } | { readonly is: 'STALE' | 'NOT_READY'; readonly fault: Fault };

const READY: Status = { is: 'READY' };
const notReady = (message: string): Status => ({ is: 'NOT_READY', fault: { code: 'NOT_READY', message } });

/**
 * Makes any provider fail closed. Kill-switch flags come back as the inner provider's positive answer or as their safe
 * value, within the deadline: while it is initialising, stale or in error, when it throws, hangs or answers nonsense,
 * and, with `confirm`, when nothing has confirmed it for `leaseMs`. Other flags, and hooks, metadata, events and
 * tracking, pass through; only the deadline applies to them.
 *
 * @throws KillSwitchError INVALID_ARGUMENT for a deadline or a lease out of bounds
 */
export class FailClosedProvider implements Provider {
  readonly runsOn = 'server';
  readonly [ANSWERS_SAFELY] = true;
  readonly events = new OpenFeatureEventEmitter();
  readonly #inner: Provider;
  readonly #timeoutMs: number;
  readonly #initializeTimeoutMs: number;
  readonly #onNews: FailClosedOptions['onNews'];
  readonly #makeKeeper: (() => LeaseKeeper) | null;
  #keeper: LeaseKeeper | null = null;
  #status: Status;
  /** What the SDK was last told, null while it waits for `initialize`. */
  #told: Told | null = null;
  #detach: (() => void) | null = null;

  constructor(inner: Provider, options: FailClosedOptions = {}) {
    this.#inner = inner;
    this.#timeoutMs = checkTimeout('timeoutMs', options.timeoutMs ?? 1000);
    this.#initializeTimeoutMs = checkTimeout('initializeTimeoutMs', options.initializeTimeoutMs ?? 3000);
    const { confirm, onNews, clock, leaseMs } = options;
    if (leaseMs !== undefined && !confirm) {
      throw invalid('leaseMs needs confirm: without it nothing could tell that the inner provider is fresh.');
    }
    if (onNews && !confirm)
      throw invalid('onNews needs confirm: without it there is nothing to ask when there is news.');
    this.#onNews = onNews;
    const checkedLeaseMs = checkLeaseMs(leaseMs ?? LEASE_MS.default);
    this.#makeKeeper = confirm
      ? () => new LeaseKeeper({ leaseMs: checkedLeaseMs, confirm, clock, onChange: () => this.#tell() })
      : null;
    this.#status =
      confirm || typeof inner.initialize === 'function' ? notReady('the provider has not been initialised') : READY;
  }

  get metadata(): Provider['metadata'] {
    return this.#inner.metadata;
  }

  get hooks(): Hook[] {
    return this.#inner.hooks ?? [];
  }

  /**
   * Rejects when the inner provider or its first confirmation fails or takes too long; it recovers by itself, with
   * READY, when that changes.
   */
  async initialize(context?: EvaluationContext, domain?: string): Promise<void> {
    this.#detach?.();
    this.#detach = this.#listen();
    this.#told = null;
    this.#keeper?.close();
    this.#keeper = this.#makeKeeper?.() ?? null;
    const inner = this.#initializeInner(context, domain);
    try {
      await within(
        Promise.all([inner, this.#keeper?.start()]),
        this.#initializeTimeoutMs,
        () => new GeneralError(this.#fault()?.message ?? 'the provider did not initialise in time'),
      );
      const fault = this.#fault();
      if (fault) throw new GeneralError(fault.message);
      this.#told = 'READY';
    } catch (error) {
      this.#told = 'ERROR';
      throw error;
    }
  }

  async onClose(): Promise<void> {
    this.#detach?.();
    this.#detach = null;
    this.#keeper?.close();
    this.#keeper = null;
    this.#status = { is: 'NOT_READY', fault: { code: 'CLOSED', message: 'the provider has been closed' } };
    await within(
      Promise.resolve().then(() => this.#inner.onClose?.()),
      this.#initializeTimeoutMs,
      () => new GeneralError('the provider did not close in time'),
    );
  }

  track(trackingEventName: string, context: EvaluationContext, trackingEventDetails: TrackingEventDetails): void {
    this.#inner.track?.(trackingEventName, context, trackingEventDetails);
  }

  resolveBooleanEvaluation(
    flagKey: string,
    defaultValue: boolean,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve('boolean', flagKey, defaultValue, context, () =>
      this.#inner.resolveBooleanEvaluation(flagKey, defaultValue, context, logger),
    );
  }

  resolveStringEvaluation(
    flagKey: string,
    defaultValue: string,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<string>> {
    return this.#resolve('string', flagKey, defaultValue, context, () =>
      this.#inner.resolveStringEvaluation(flagKey, defaultValue, context, logger),
    );
  }

  resolveNumberEvaluation(
    flagKey: string,
    defaultValue: number,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<number>> {
    return this.#resolve('number', flagKey, defaultValue, context, () =>
      this.#inner.resolveNumberEvaluation(flagKey, defaultValue, context, logger),
    );
  }

  resolveObjectEvaluation<T extends JsonValue>(
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<T>> {
    return this.#resolve('object', flagKey, defaultValue, context, () =>
      this.#inner.resolveObjectEvaluation(flagKey, defaultValue, context, logger),
    );
  }

  #resolve<T extends FlagValue>(
    type: FlagType,
    flagKey: string,
    callerDefault: T,
    context: EvaluationContext,
    ask: () => Promise<ResolutionDetails<T>>,
  ): Promise<ResolutionDetails<T>> {
    const found = flagRow(flagKey);
    if (!found) return askWithin(flagKey, this.#timeoutMs, ask).then(ownAnswer);
    // Not every source can tell (flagd takes an agent_id of null for none).
    const subject = found.row.kind === 'mode' ? subjectFromContext(context) : null;
    if (typeof subject === 'string') {
      const cause = { kind: 'identity', message: subject } as const;
      return Promise.resolve(safeResolutionFor<T>(found.row, type, cause));
    }
    const question = { row: found.row, flagKey, type, callerDefault };
    const fault = this.#fault();
    if (fault) return Promise.resolve(safeResolution(question, fault));
    return resolvePositive(question, ask, { timeoutMs: this.#timeoutMs, faultNow: () => this.#fault() });
  }

  /** Why nothing that the inner provider says counts now, or null. */
  #fault(): Fault | null {
    return this.#status.is === 'READY' ? (this.#keeper?.fault() ?? null) : this.#status.fault;
  }

  async #initializeInner(context?: EvaluationContext, domain?: string): Promise<void> {
    const { initialize } = this.#inner;
    if (typeof initialize !== 'function') {
      this.#become(READY);
      return;
    }
    this.#become(notReady('the provider is initialising'));
    const era = this.#detach;
    try {
      await initialize.call(this.#inner, context, domain);
      if (era === this.#detach) this.#become(READY);
    } catch (error) {
      if (era === this.#detach) this.#become(notReady(`the provider could not be initialised: ${messageOf(error)}`));
      throw error;
    }
  }

  /** Follows what the inner provider says of itself, and what is news of it; the returned function ends it. */
  #listen(): () => void {
    const endNews = this.#onNews?.(() => this.#keeper?.confirmNow());
    const { events } = this.#inner;
    if (!events) return () => endNews?.();
    const handlers = [
      [ProviderEvents.Ready, () => this.#become(READY)],
      [
        ProviderEvents.Stale,
        (details?: EventDetails) =>
          this.#become({ is: 'STALE', fault: { code: 'STALE', message: said('stale', details) } }),
      ],
      [
        ProviderEvents.Error,
        (details?: EventDetails) => {
          this.#become({ is: 'NOT_READY', fault: { code: 'PROVIDER_ERROR', message: said('in error', details) } });
          if (details?.errorCode === 'PROVIDER_FATAL') this.events.emit(ProviderEvents.Error, details);
        },
      ],
      [
        ProviderEvents.ConfigurationChanged,
        (details?: EventDetails) => this.events.emit(ProviderEvents.ConfigurationChanged, details),
      ],
    ] as const;
    for (const [event, handler] of handlers) events.addHandler(event, handler);
    return () => {
      endNews?.();
      for (const [event, handler] of handlers) events.removeHandler(event, handler);
    };
  }

  #become(status: Status): void {
    this.#status = status;
    this.#tell();
  }

  /** Tells the SDK when what may be relied on has changed since it was last told. */
  #tell(): void {
    if (this.#told === null) return;
    const trust = this.#keeper?.trust() ?? { is: 'fresh' };
    const fault = this.#fault();
    const next: { readonly event: ProviderEvents; readonly told: Told; readonly message: string } =
      fault === null
        ? trust.is === 'doubted'
          ? { event: ProviderEvents.Stale, told: 'STALE', message: trust.fault.message }
          : { event: ProviderEvents.Ready, told: 'READY', message: '' }
        : this.#status.is === 'STALE'
          ? { event: ProviderEvents.Stale, told: 'STALE', message: fault.message }
          : { event: ProviderEvents.Error, told: 'ERROR', message: fault.message };
    if (next.told === this.#told) return;
    this.#told = next.told;
    this.events.emit(next.event, next.message ? { message: next.message } : {});
  }
}

const said = (what: string, details: EventDetails | undefined): string =>
  details?.message ? `the provider is ${what}: ${details.message}` : `the provider is ${what}`;

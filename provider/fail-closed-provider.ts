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
  quoteId,
  subjectFromContext,
} from '../flags/index.ts';
import { checkKeys, checkType, type Keys } from '../flags/options.ts';
import { within } from '../store/with-deadline.ts';
import { keepAnswer, subjectProblem } from './guarded-evaluation.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { judgesItself, noteOwnJudgement } from './own-judgement.ts';
import {
  ANSWERS_SAFELY,
  askWithin,
  ownAnswer,
  type Question,
  resolvePositive,
  safeResolution,
  safeResolutionFor,
} from './positive.ts';

/** How long the provider inside may take, and how long its answers hold. */
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
   * Resolves only when what the inner provider serves is fresh. Called every third of the lease; an answer that takes
   * longer than that is ignored.
   */
  readonly confirm?: (() => Promise<void>) | undefined;
  /**
   * Calls `confirmNow` whenever there is a reason to ask `confirm` at once, for instance a change of the inner
   * provider; the function that it returns ends that. Only with `confirm`, which is otherwise called by time alone.
   */
  readonly onNews?: ((confirmNow: () => void) => () => void) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

const OPTION_KEYS: Keys<FailClosedOptions> = {
  timeoutMs: ['deadline', 'deadlineMs'],
  initializeTimeoutMs: true,
  leaseMs: true,
  confirm: true,
  onNews: true,
  clock: true,
};

type Emitted = 'READY' | 'STALE' | 'ERROR';
/** DOUBTED: the inner provider keeps its own lease, and its last confirmation has failed; its answers count. */
type Status = { readonly is: 'READY' } | { readonly is: 'DOUBTED' | 'STALE' | 'NOT_READY'; readonly fault: Fault };

const READY: Status = { is: 'READY' };
const notReady = (message: string): Status => ({ is: 'NOT_READY', fault: { code: 'NOT_READY', message } });

/**
 * Makes any provider fail closed. Kill-switch flags come back as the inner provider's positive answer or as their safe
 * value, within the deadline: while it is initialising, stale or in error, when it throws, hangs or answers nonsense,
 * and, with `confirm`, when nothing has confirmed it for `leaseMs`. A stale provider of this package, or a
 * `MultiProvider` with `StrictestWinsStrategy`, answers on by itself until its own lease ends. Other flags, and hooks,
 * metadata, events and tracking, pass through; only the deadline applies to them.
 *
 * @throws KillSwitchError INVALID_ARGUMENT for an unknown option, and a deadline or a lease out of bounds
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
  /** What was last emitted to the SDK; null while the SDK waits for `initialize`. */
  #emitted: Emitted | null = null;
  #detach: (() => void) | null = null;

  constructor(inner: Provider, options: FailClosedOptions = {}) {
    const given = checkKeys('FailClosedProvider', options, OPTION_KEYS);
    checkInner(inner);
    const { timeoutMs = 1000, initializeTimeoutMs = 3000, confirm, onNews, clock, leaseMs } = given;
    for (const [what, given] of Object.entries({ confirm, onNews, clock })) checkType(what, given, 'function');
    if (new.target === FailClosedProvider) noteOwnJudgement(this);
    this.#inner = inner;
    this.#timeoutMs = checkTimeout('timeoutMs', timeoutMs);
    this.#initializeTimeoutMs = checkTimeout('initializeTimeoutMs', initializeTimeoutMs);
    if (leaseMs !== undefined && !confirm) {
      throw invalid('leaseMs needs confirm: without it nothing proves that the inner provider is fresh.');
    }
    if (onNews && !confirm) throw invalid('onNews needs confirm: it says when to call confirm.');
    this.#onNews = onNews;
    const checkedLeaseMs = checkLeaseMs(leaseMs === undefined ? LEASE_MS.default : leaseMs);
    this.#makeKeeper = confirm
      ? () => new LeaseKeeper({ leaseMs: checkedLeaseMs, confirm, clock, onChange: () => this.#emitStatus() })
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
   * Rejects when the inner provider or its first confirmation fails or takes too long. It recovers by itself, and then
   * emits READY.
   */
  async initialize(context?: EvaluationContext, domain?: string): Promise<void> {
    this.#detach?.();
    this.#detach = this.#listen();
    this.#emitted = null;
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
      this.#emitted = 'READY';
    } catch (error) {
      this.#emitted = 'ERROR';
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
    const question = { row: found.row, flagKey, type, callerDefault };
    return found.row.kind === 'mode' ? this.#resolveMode(question, context, ask) : this.#resolveSafely(question, ask);
  }

  async #resolveMode<T extends FlagValue>(
    question: Question,
    context: EvaluationContext,
    ask: () => Promise<ResolutionDetails<T>>,
  ): Promise<ResolutionDetails<T>> {
    // Judged here, because not every source does: flagd takes an agent_id of null for an absent one.
    const subject = subjectFromContext(context);
    const problem = typeof subject === 'string' ? subject : subjectProblem(context);
    const { row, type } = question;
    const answer =
      problem === null
        ? await this.#resolveSafely(question, ask)
        : safeResolutionFor<T>(row, type, { kind: 'identity', message: problem });
    keepAnswer(this, { ...answer });
    return answer;
  }

  #resolveSafely<T extends FlagValue>(
    question: Question,
    ask: () => Promise<ResolutionDetails<T>>,
  ): Promise<ResolutionDetails<T>> {
    const fault = this.#fault();
    if (fault) return Promise.resolve(safeResolution(question, fault));
    return resolvePositive(question, ask, { timeoutMs: this.#timeoutMs, faultNow: () => this.#fault() });
  }

  /** Why the answers of the inner provider do not count now; null when they do. */
  #fault(): Fault | null {
    const status = this.#status;
    return status.is === 'READY' || status.is === 'DOUBTED' ? (this.#keeper?.fault() ?? null) : status.fault;
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

  /** Follows the events of the inner provider, and `onNews`; the returned function ends that. */
  #listen(): () => void {
    const endNews = this.#onNews?.(() => this.#keeper?.confirmNow());
    const { events } = this.#inner;
    if (!events) return () => endNews?.();
    const handlers = [
      [ProviderEvents.Ready, () => this.#become(READY)],
      [
        ProviderEvents.Stale,
        (details?: EventDetails) => {
          const fault: Fault = { code: 'STALE', message: said('stale', details) };
          this.#become({ is: judgesItself(this.#inner) ? 'DOUBTED' : 'STALE', fault });
        },
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
    this.#emitStatus();
  }

  /** Emits an event to the SDK when the status has changed since the last one. */
  #emitStatus(): void {
    if (this.#emitted === null) return;
    const trust = this.#keeper?.trust() ?? { is: 'fresh' };
    const doubt = trust.is === 'doubted' ? trust.fault : this.#status.is === 'DOUBTED' ? this.#status.fault : null;
    const fault = this.#fault();
    const next: { readonly event: ProviderEvents; readonly emitted: Emitted; readonly message: string } =
      fault === null
        ? doubt
          ? { event: ProviderEvents.Stale, emitted: 'STALE', message: doubt.message }
          : { event: ProviderEvents.Ready, emitted: 'READY', message: '' }
        : this.#status.is === 'STALE'
          ? { event: ProviderEvents.Stale, emitted: 'STALE', message: fault.message }
          : { event: ProviderEvents.Error, emitted: 'ERROR', message: fault.message };
    if (next.emitted === this.#emitted) return;
    this.#emitted = next.emitted;
    this.events.emit(next.event, next.message ? { message: next.message } : {});
  }
}

const said = (what: string, details: EventDetails | undefined): string =>
  details?.message ? `the provider is ${what}: ${details.message}` : `the provider is ${what}`;

function checkInner(inner: unknown): void {
  if (typeof inner === 'object' && inner !== null) return;
  throw invalid(
    `FailClosedProvider is given an OpenFeature provider to make fail closed, such as new InMemoryProvider({}), not ${quoteId(inner)}.`,
  );
}

import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import {
  ErrorCode,
  type EvaluationContext,
  type FlagValue,
  GeneralError,
  type Hook,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import {
  causeMetadata,
  checkLeaseMs,
  deepFreeze,
  type Entry,
  type Fault,
  type FlagType,
  flagRow,
  idProblem,
  type Inquiry,
  invalid,
  isSameForAll,
  LEASE_MS,
  messageOf,
  openFeatureErrorCode,
  quoteId,
  restrictionFor,
  stageFor,
  type State,
} from '../flags/index.ts';
import { QUIET_LOGGER } from '../flags/flagd-schema.ts';
import { checkKeys, type Keys, readable } from '../flags/options.ts';
import { ordinaryFlags } from '../flags/ordinary-flags.ts';
import { connectExecutor } from '../store/connect-executor.ts';
import type { ExecutorStore } from '../store/ports.ts';
import type { Replica, ReplicaEvent } from '../store/replica.ts';
import { checkSide } from '../store/side.ts';
import { changedFlags } from './changed-flags.ts';
import { subjectProblem } from './guarded-evaluation.ts';
import { reversingFor } from './reversing.ts';
import { noteOwnJudgement } from './own-judgement.ts';
import { ANSWERS_SAFELY, asAskedFor, ownAnswer, type Question, safeResolution, safeResolutionFor } from './positive.ts';
import { SERVES_SWITCH, SWITCH_PROVIDER_NAME } from './serves-switch.ts';

interface Common {
  /** Run last before each evaluation, for instance an `IdentityHook`. */
  readonly hooks?: readonly Hook[] | undefined;
}

/** Which switch is served, and as which executor. */
export interface KillSwitchProviderOptions extends Common {
  readonly store: ExecutorStore;
  /** The organization of the switch. Default `default`. */
  readonly organizationId?: string | undefined;
  /**
   * How long the state may be trusted without a confirmation by the store, in milliseconds: 500 to 60000, default 5000.
   */
  readonly leaseMs?: number | undefined;
}

/** A replica that the caller has made, and will close. */
export interface SharedReplica extends Common {
  readonly replica: Replica;
}

const OPTION_KEYS: Keys<KillSwitchProviderOptions> = { store: true, organizationId: true, leaseMs: true, hooks: true };
const SHARED_KEYS: Keys<SharedReplica> = { replica: true, hooks: true };

const OPTIONS = 'The options of KillSwitchProvider';

const isShared = (options: KillSwitchProviderOptions | SharedReplica): options is SharedReplica =>
  readable(OPTIONS, () => typeof options === 'object' && options !== null && 'replica' in options);

function checkedHooks(hooks: readonly Hook[] = []): Hook[] {
  if (!Array.isArray(hooks)) throw invalid(`hooks must be a list of hooks, not ${quoteId(hooks)}.`);
  return [...hooks];
}

/**
 * How long after a change the event for the SDK is emitted, in milliseconds: the SDK needs longer for its listeners
 * than the copy for the change, and other copies in this process have yet to take the same kill. Evaluations have the
 * new answer at once.
 */
const EMIT_AFTER_MS = 5;

const ENDED: Fault = deepFreeze({ code: 'CLOSED', message: 'this provider has been closed' });
const NOT_STARTED: Fault = deepFreeze({ code: 'NOT_READY', message: 'the provider has not been initialised' });

/**
 * Serves the switch of a store: `kill-switch.mode` for the context it is asked with, features, limits, autonomy, and
 * the app's own flags. In a fault (unreachable, stale, not initialised, forked, closed, …) kill-switch flags are their
 * safe value, with the fault in `flagMetadata` and no error code, because with one a client would return its caller's
 * own default; the app's own flags then have an error code, so that they do return it.
 *
 * `PROVIDER_CONFIGURATION_CHANGED` tells of each recorded change. No event tells that the time of a rule has come: each
 * evaluation has the new answer, and who listens asks again.
 *
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export class KillSwitchProvider implements Provider {
  readonly runsOn = 'server';
  readonly [ANSWERS_SAFELY] = true;
  readonly metadata = { name: SWITCH_PROVIDER_NAME };
  readonly events = new OpenFeatureEventEmitter();
  readonly #hooks: Hook[];
  readonly #open: () => Replica;
  readonly #shared: boolean;
  /** `onClose` was called, and the copy that it serves from is shared, so it may still be in use elsewhere. */
  #ended = false;
  #replica: Replica | null;
  #stopListening: (() => void) | null = null;
  /** What was last emitted to the SDK; null while the SDK waits for `initialize`. */
  #emitted: ReplicaEvent['type'] | null = null;
  /** The flags whose change has still to be emitted. */
  readonly #changed = new Set<string>();
  #ordinary: { readonly entry: Entry<'flags'> | undefined; readonly core: FlagdCore } | null = null;

  constructor(options: KillSwitchProviderOptions | SharedReplica) {
    if (new.target === KillSwitchProvider) noteOwnJudgement(this);
    if (isShared(options)) {
      const { replica, hooks } = checkKeys('KillSwitchProvider', options, SHARED_KEYS);
      this.#hooks = checkedHooks(hooks);
      this.#shared = true;
      this.#replica = replica;
      this.#open = () => replica;
      return;
    }
    const given = checkKeys('KillSwitchProvider', options, OPTION_KEYS);
    const { store, organizationId = 'default' } = given;
    this.#hooks = checkedHooks(given.hooks);
    checkSide('KillSwitchProvider', store, 'executor');
    const leaseMs = checkLeaseMs(given.leaseMs === undefined ? LEASE_MS.default : given.leaseMs);
    const problem = idProblem(organizationId);
    if (problem) throw invalid(`organizationId ${problem}.`);
    this.#shared = false;
    this.#replica = null;
    this.#open = () => connectExecutor({ store, organizationId, leaseMs }).replica;
  }

  get hooks(): Hook[] {
    return this.#hooks;
  }

  /** True once what it serves from has been closed. */
  get closed(): boolean {
    return this.#ended || this.#replica?.closed === true;
  }

  get [SERVES_SWITCH](): boolean {
    return !this.closed;
  }

  /** Rejects when the store cannot be read yet. It goes on trying, and emits READY when it can. */
  async initialize(): Promise<void> {
    this.#emitted = null;
    this.#stopListening?.();
    if (this.#replica === null || (this.closed && !this.#shared)) this.#replica = this.#open();
    const replica = this.#replica;
    let definition = replica.state?.flags?.definition;
    this.#stopListening = replica.on((event) => {
      if (event.type !== 'changed') {
        this.#emitTrust(event);
        return;
      }
      const { state } = replica;
      if (!state) return;
      const flagsChanged = changedFlags(event.keys, state, definition);
      definition = state.flags?.definition;
      if (this.#emitted !== null) this.#emitChanged(flagsChanged);
    });
    if (replica.fault()) await replica.start();
    const fault = replica.fault();
    this.#emitted = fault ? 'fault' : 'ready';
    if (fault) throw new GeneralError(fault.message);
  }

  async onClose(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#changed.clear();
    if (this.#shared) this.#ended = true;
    else await this.#replica?.close();
  }

  async resolveBooleanEvaluation(flagKey: string, defaultValue: boolean, context: EvaluationContext) {
    return this.#resolve('boolean', flagKey, defaultValue, context);
  }

  async resolveStringEvaluation(flagKey: string, defaultValue: string, context: EvaluationContext) {
    return this.#resolve('string', flagKey, defaultValue, context);
  }

  async resolveNumberEvaluation(flagKey: string, defaultValue: number, context: EvaluationContext) {
    return this.#resolve('number', flagKey, defaultValue, context);
  }

  async resolveObjectEvaluation<T extends JsonValue>(flagKey: string, defaultValue: T, context: EvaluationContext) {
    return this.#resolve('object', flagKey, defaultValue, context);
  }

  #resolve<T extends FlagValue>(
    type: FlagType,
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
  ): ResolutionDetails<T> {
    const replica = this.#replica;
    const fault = this.#ended ? ENDED : replica ? replica.fault() : NOT_STARTED;
    const state = fault ? null : (replica?.state ?? null);
    const found = flagRow(flagKey);
    if (!found) return this.#resolveOrdinary(type, flagKey, defaultValue, context, state, fault ?? NOT_STARTED);
    const question: Question = { row: found.row, flagKey, type, callerDefault: defaultValue };
    if (state === null || replica === null) return safeResolution(question, fault ?? NOT_STARTED, replica?.epoch);
    if (type !== found.row.type) {
      const message = `the flag ${flagKey} is a ${found.row.type}, and was asked for as a ${type}`;
      return safeResolution(question, { code: 'TYPE_MISMATCH', message }, state.epoch);
    }
    try {
      const { organizationId } = replica;
      const inquiry = { context, now: () => replica.storeNow(), organizationId, reversing: reversingFor(context) };
      return asAskedFor(this.#resolveFrom(state, inquiry, question, found.name));
    } catch (error) {
      return safeResolution(question, { code: 'INTERNAL', message: messageOf(error) }, state.epoch);
    }
  }

  #resolveFrom(
    state: State,
    inquiry: Inquiry,
    { row, flagKey, type, callerDefault }: Question,
    name: string,
  ): ResolutionDetails<FlagValue> {
    switch (row.kind) {
      case 'mode': {
        const problem = subjectProblem(inquiry.context);
        if (problem !== null) return safeResolutionFor(row, type, { kind: 'identity', message: problem }, state.epoch);
        const { mode, cause } = restrictionFor(state, inquiry);
        return answer(mode, 'TARGETING_MATCH', causeMetadata(cause, state.epoch));
      }
      case 'feature': {
        const found = state.features.get(name);
        const stage = stageFor(state, name, inquiry);
        const metadata = causeMetadata({ kind: 'feature', feature: name, stage }, state.epoch);
        const reason = !found ? 'DEFAULT' : isSameForAll(found) ? 'STATIC' : 'TARGETING_MATCH';
        return answer(stage, reason, metadata);
      }
      case 'autonomy': {
        const found = state.autonomy.get(name)?.stage;
        const stage = found ?? 'human_in_the_loop';
        const metadata = causeMetadata({ kind: 'autonomy', action: name, stage }, state.epoch);
        return answer(stage, found ? 'STATIC' : 'DEFAULT', metadata);
      }
      case 'limit': {
        const value = state.limits.get(name)?.value;
        return value === undefined
          ? notFound(flagKey, callerDefault) // the limit in code counts then, which only the caller knows
          : { ...answer(String(value), 'STATIC', { epoch: state.epoch }), value };
      }
      default:
        return row.kind satisfies never;
    }
  }

  #resolveOrdinary<T extends FlagValue>(
    type: FlagType,
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
    state: State | null,
    fault: Fault,
  ): ResolutionDetails<T> {
    if (state) return ownAnswer(this.#coreOf(state.flags).resolve(type, flagKey, defaultValue, context, QUIET_LOGGER));
    const errorCode = ErrorCode[openFeatureErrorCode(fault.code)];
    return { value: defaultValue, reason: 'ERROR', errorCode, errorMessage: fault.message };
  }

  /** The evaluator of the app's own flags, made anew when their entry has changed. */
  #coreOf(entry: Entry<'flags'> | undefined): FlagdCore {
    if (this.#ordinary === null || this.#ordinary.entry !== entry) {
      const core = new FlagdCore(new MemoryStorage(QUIET_LOGGER), QUIET_LOGGER);
      core.setConfigurations(JSON.stringify({ flags: Object.fromEntries(ordinaryFlags(entry?.definition).flags) }));
      this.#ordinary = { entry, core };
    }
    return this.#ordinary.core;
  }

  /** Emits one event a moment later, for all flags that have changed by then. */
  #emitChanged(flags: readonly string[]): void {
    if (flags.length > 0 && this.#changed.size === 0) {
      setTimeout(() => {
        const flagsChanged = [...this.#changed];
        this.#changed.clear();
        if (flagsChanged.length > 0) this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged });
      }, EMIT_AFTER_MS);
    }
    for (const flag of flags) this.#changed.add(flag);
  }

  #emitTrust(event: Exclude<ReplicaEvent, { type: 'changed' }>): void {
    if (this.#emitted === null || (this.#emitted === 'ready' && event.type === 'ready')) return;
    this.#emitted = event.type; // the same type again is emitted too: it is another fault
    switch (event.type) {
      case 'ready':
        this.events.emit(ProviderEvents.Ready);
        break;
      case 'stale':
        this.events.emit(ProviderEvents.Stale, { message: event.fault.message });
        break;
      case 'fault':
        this.events.emit(ProviderEvents.Error, { message: event.fault.message });
        break;
      default:
        event satisfies never;
    }
  }
}

const answer = (
  value: string,
  reason: string,
  flagMetadata: Record<string, string | number>,
): ResolutionDetails<string> => ({ value, variant: value, reason, flagMetadata });

const notFound = (flagKey: string, value: unknown): ResolutionDetails<FlagValue> =>
  asAskedFor({
    value,
    reason: 'ERROR',
    errorCode: ErrorCode.FLAG_NOT_FOUND,
    errorMessage: `the flag ${flagKey} is not set`,
  });

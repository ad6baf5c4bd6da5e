import {
  type BaseFinalResult,
  type BaseProviderResolutionResult,
  type BaseStrategyPerProviderContext,
  BaseEvaluationStrategy,
  type EvaluationContext,
  type FlagValue,
  type Provider,
  ProviderStatus,
  type ResolutionDetails,
  type StrategyEvaluationContext,
} from '@openfeature/server-sdk';
import {
  checkTimeout,
  type Fault,
  type FlagRow,
  type FlagType,
  epochOf,
  faultOfAnswer,
  flagRow,
  messageOf,
} from '../flags/index.ts';
import { Initialisations, tellSources, WATCH_SOURCE } from './initialisations.ts';
import { askWithin, faultOfError, type Question, resolvePositive, safeResolution } from './positive.ts';

type Resolution<T extends FlagValue> = BaseProviderResolutionResult<T, ProviderStatus, Provider>;
type FinalResult<T extends FlagValue> = BaseFinalResult<T, ProviderStatus, Provider>;

export interface StrictestWinsOptions {
  /** How long each source may take for one evaluation, in milliseconds. Default 1000. */
  readonly timeoutMs?: number | undefined;
}

/** No value equals it: whether a value is just the caller's default has been judged where that default was known. */
const UNKNOWN_DEFAULT = Symbol('unknown default');

/**
 * For the SDK's `MultiProvider`: asks every source at once, and the strictest answer wins. For a kill-switch flag a source that is not READY (its
 * `initialize` failed, too), throws, hangs or has no positive answer counts as the flag's safe value. For other flags the first source that answers wins, in the order given.
 *
 * MultiProvider itself waits for ever, so the strategy gives each of its sources a deadline by replacing the source's resolve methods; a kill-switch flag
 * that is asked of such a source elsewhere is then fail-closed as well. MultiProvider takes over a source's FATAL, which makes a client answer with its
 * caller's default before anything is asked: only `FailClosedHook` helps there.
 */
export class StrictestWinsStrategy extends BaseEvaluationStrategy<ProviderStatus, Provider> {
  override readonly runMode = 'parallel' as const;
  readonly #timeoutMs: number;
  readonly #bounded = new WeakMap<Provider, Fault | null>();
  /** The sources that were not asked, by the context object of their evaluation. */
  readonly #notAsked = new WeakMap<object, Fault[]>();
  readonly #initialisations = new Initialisations();
  readonly [WATCH_SOURCE] = this.#initialisations.watch;

  constructor({ timeoutMs = 1000 }: StrictestWinsOptions = {}) {
    super(ProviderStatus);
    this.#timeoutMs = checkTimeout('timeoutMs', timeoutMs);
    tellSources();
  }

  override shouldEvaluateThisProvider(
    strategyContext: BaseStrategyPerProviderContext<ProviderStatus, Provider>,
    context: EvaluationContext = {},
  ): boolean {
    const { flagKey, provider, providerName, providerStatus } = strategyContext;
    const unbounded = this.#bound(provider);
    if (!flagRow(flagKey)) return super.shouldEvaluateThisProvider(strategyContext, context);
    // A source that has never told its status is asked, and its answer judged.
    const told: Fault | null =
      providerStatus !== undefined && providerStatus !== ProviderStatus.READY
        ? { code: 'NOT_READY', message: `the source ${providerName} is ${providerStatus}` }
        : null;
    const fault = told ?? this.#initialisations.faultOf(provider, providerName) ?? unbounded;
    if (fault === null) return true;
    const faults = this.#notAsked.get(context);
    if (faults) faults.push(fault);
    else this.#notAsked.set(context, [fault]);
    return false;
  }

  override determineFinalResult<T extends FlagValue>(
    { flagKey, flagType }: StrategyEvaluationContext,
    context: EvaluationContext,
    resolutions: Resolution<T>[],
  ): FinalResult<T> {
    const found = flagRow(flagKey);
    if (!found) return this.#firstSuccessful(resolutions);
    const question: Question = { row: found.row, flagKey, type: flagType, callerDefault: UNKNOWN_DEFAULT };
    const faults = this.#notAsked.get(context) ?? [];
    const answers = [
      ...faults.map((fault) => safeResolution<T>(question, fault)),
      ...resolutions.map((resolution) => answerOf(question, resolution)),
    ];
    if (answers.length === 0) {
      answers.push(safeResolution(question, { code: 'NOT_READY', message: 'there is no source to ask' }));
    }
    return { details: strictestOf(found.row, answers) } as FinalResult<T>;
  }

  #firstSuccessful<T extends FlagValue>(resolutions: Resolution<T>[]): FinalResult<T> {
    for (const resolution of resolutions) {
      if ('details' in resolution && !this.hasError(resolution)) return this.resolutionToFinalResult(resolution);
    }
    return this.collectProviderErrors(resolutions);
  }

  /** Gives a source its deadline, once; a fault where that cannot be done. */
  #bound(provider: Provider): Fault | null {
    let fault = this.#bounded.get(provider);
    if (fault === undefined) {
      fault = bound(provider, this.#timeoutMs);
      this.#bounded.set(provider, fault);
    }
    return fault;
  }
}

const RESOLVERS = [
  ['resolveBooleanEvaluation', 'boolean'],
  ['resolveStringEvaluation', 'string'],
  ['resolveNumberEvaluation', 'number'],
  ['resolveObjectEvaluation', 'object'],
] as const satisfies readonly (readonly [keyof Provider, FlagType])[];

function bound(provider: Provider, timeoutMs: number): Fault | null {
  try {
    for (const [method, type] of RESOLVERS) {
      const resolve = provider[method] as (...args: unknown[]) => Promise<ResolutionDetails<FlagValue>>;
      const value = (flagKey: string, callerDefault: unknown, ...rest: unknown[]) => {
        const ask = () => resolve.call(provider, flagKey, callerDefault, ...rest);
        const found = flagRow(flagKey);
        return found
          ? resolvePositive({ row: found.row, flagKey, type, callerDefault }, ask, { timeoutMs })
          : askWithin(flagKey, timeoutMs, ask);
      };
      Object.defineProperty(provider, method, { value, configurable: true, writable: true });
    }
    return null;
  } catch (error) {
    return {
      code: 'UNSUPPORTED',
      message: `a source cannot be given a deadline (${messageOf(error)}); wrap it in a FailClosedProvider`,
    };
  }
}

function answerOf<T extends FlagValue>(question: Question, resolution: Resolution<T>): ResolutionDetails<T> {
  if (!('details' in resolution)) return safeResolution(question, faultOfError(question, resolution.thrownError));
  const { details } = resolution;
  const fault = faultOfAnswer(question.row, question.flagKey, details, question.callerDefault);
  return fault ? safeResolution(question, fault, epochOf(details)) : details;
}

/** The first of the strictest. Asked with the wrong type there is no order, and all of them are the safe value. */
function strictestOf<T extends FlagValue>(
  row: FlagRow,
  answers: readonly ResolutionDetails<T>[],
): ResolutionDetails<T> {
  return answers.reduce((strictest, answer) =>
    row.strictness(answer.value) > row.strictness(strictest.value) ? answer : strictest,
  );
}

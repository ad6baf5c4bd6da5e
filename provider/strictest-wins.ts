import {
  type BaseFinalResult,
  type BaseProviderResolutionResult,
  type BaseStrategyPerProviderContext,
  BaseEvaluationStrategy,
  type EvaluationContext,
  type FlagValue,
  type MultiProvider,
  type Provider,
  ProviderStatus,
  type ResolutionDetails,
  type StrategyEvaluationContext,
} from '@openfeature/server-sdk';
import { checkTimeout, type Fault, type FlagRow, epochOf, faultOfAnswer, flagRow } from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { LOAD_MS } from '../store/ports.ts';
import { FailClosedProvider } from './fail-closed-provider.ts';
import { keptAnswer } from './guarded-evaluation.ts';
import { handOverSources, replaceSource, TAKES_SOURCES } from './hand-over-sources.ts';
import { judgesItself } from './own-judgement.ts';
import { ANSWERS_SAFELY, asAskedFor, faultOfError, type Question, safeResolution } from './positive.ts';

type Resolution<T extends FlagValue> = BaseProviderResolutionResult<T, ProviderStatus, Provider>;
type FinalResult<T extends FlagValue> = BaseFinalResult<T, ProviderStatus, Provider>;

/** How long the sources may take. */
export interface StrictestWinsOptions {
  /** How long each source may take for one evaluation, in milliseconds. Default 1000. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long each source may take to start or to close, in milliseconds; one that takes longer to start is `full_stop`
   * until it is READY. Default 15000.
   */
  readonly initializeTimeoutMs?: number | undefined;
}

const OPTION_KEYS: Keys<StrictestWinsOptions> = { timeoutMs: ['deadline', 'deadlineMs'], initializeTimeoutMs: true };

/** Longer than a store of this package may take to load a whole state. */
const INITIALIZE_TIMEOUT_MS = LOAD_MS + 5000;

/**
 * Equals no value. Each source's answer was compared with the caller's default where that was known; here it is not.
 */
const UNKNOWN_DEFAULT = Symbol('unknown default');

/**
 * For the SDK's `MultiProvider`: asks every source at once, and the strictest answer wins. For a kill-switch flag a
 * source counts as the flag's safe value when it is not READY (also because its `initialize` failed), throws, hangs or
 * has no positive answer. For other flags the first source that answers wins, in the order given.
 *
 * MultiProvider itself waits for ever, so when it starts, its `providerEntries` get a `FailClosedProvider` around each
 * source; the sources themselves stay as they are. A source that could not be wrapped counts as the safe value, unless
 * it is a provider of this package.
 *
 * For that the first strategy that is made patches the SDK: it replaces `MultiProvider.prototype.initialize` for the
 * whole process. A `MultiProvider` with another strategy starts as before. There is no other way, since a
 * `MultiProvider` does not show itself to its strategy; a factory that wraps the sources would leave
 * `new MultiProvider` without it.
 *
 * MultiProvider takes over a source's FATAL, which makes a client answer with its caller's default before anything is
 * asked: only `FailClosedHook` helps there.
 */
export class StrictestWinsStrategy extends BaseEvaluationStrategy<ProviderStatus, Provider> {
  override readonly runMode = 'parallel' as const;
  /** The sources that were not asked, by the context object of their evaluation. */
  readonly #notAsked = new WeakMap<object, Fault[]>();
  readonly [TAKES_SOURCES]: (sources: MultiProvider['providerEntries']) => void;

  /** @throws KillSwitchError INVALID_ARGUMENT */
  constructor(options: StrictestWinsOptions = {}) {
    super(ProviderStatus);
    const given = checkKeys('StrictestWinsStrategy', options, OPTION_KEYS);
    const { timeoutMs = 1000, initializeTimeoutMs = INITIALIZE_TIMEOUT_MS } = given;
    const limits = {
      timeoutMs: checkTimeout('timeoutMs', timeoutMs),
      initializeTimeoutMs: checkTimeout('initializeTimeoutMs', initializeTimeoutMs),
    };
    const wrapped = new WeakSet<Provider>();
    this[TAKES_SOURCES] = (sources) => {
      for (const entry of sources) {
        if (wrapped.has(entry.provider)) continue; // it was closed, and starts again
        const source = new FailClosedProvider(entry.provider, limits);
        wrapped.add(source);
        replaceSource(entry, source);
      }
    };
    handOverSources();
  }

  override shouldEvaluateThisProvider(
    strategyContext: BaseStrategyPerProviderContext<ProviderStatus, Provider>,
    context: EvaluationContext = {},
  ): boolean {
    if (!flagRow(strategyContext.flagKey)) return super.shouldEvaluateThisProvider(strategyContext, context);
    const fault = faultOfSource(strategyContext);
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
      ...resolutions.flatMap((resolution) => answersOf(question, resolution)),
    ];
    if (answers.length === 0) {
      answers.push(safeResolution(question, { code: 'NOT_READY', message: 'there is no source to ask' }));
    }
    return { details: strictestOf(found.row, answers) };
  }

  #firstSuccessful<T extends FlagValue>(resolutions: Resolution<T>[]): FinalResult<T> {
    for (const resolution of resolutions) {
      if ('details' in resolution && !this.hasError(resolution)) return this.resolutionToFinalResult(resolution);
    }
    return this.collectProviderErrors(resolutions);
  }
}

/**
 * Why a source must not be asked for a kill-switch flag now; null when it may. A source of unknown status is asked, and
 * its answer judged.
 */
function faultOfSource({
  provider,
  providerName,
  providerStatus,
}: BaseStrategyPerProviderContext<ProviderStatus, Provider>): Fault | null {
  const isOwnStale = providerStatus === ProviderStatus.STALE && judgesItself(provider);
  if (providerStatus !== undefined && providerStatus !== ProviderStatus.READY && !isOwnStale)
    return { code: 'NOT_READY', message: `the source ${providerName} is ${providerStatus}` };
  if (ANSWERS_SAFELY in provider) return null;
  return {
    code: 'UNSUPPORTED',
    message: `the source ${providerName} has no deadline, because its MultiProvider has not handed it over as it started; wrap it in a FailClosedProvider`,
  };
}

/** What a source has answered, after its hooks and, where a guard asks for the mode, also before them. */
function answersOf<T extends FlagValue>(question: Question, resolution: Resolution<T>): ResolutionDetails<T>[] {
  const kept = question.row.kind === 'mode' ? keptAnswer(resolution.provider) : undefined;
  return [answerOf(question, resolution), ...(kept ? [asAskedFor<T>(kept)] : [])];
}

function answerOf<T extends FlagValue>(question: Question, resolution: Resolution<T>): ResolutionDetails<T> {
  if (!('details' in resolution)) return safeResolution(question, faultOfError(question, resolution.thrownError));
  const details = { ...resolution.details }; // a hook may still hold the original
  const fault = faultOfAnswer(question.row, question.flagKey, details, question.callerDefault);
  return fault ? safeResolution(question, fault, epochOf(details)) : details;
}

/** The first of the strictest answers. For a flag that is asked with the wrong type all of them are the safe value. */
function strictestOf<T extends FlagValue>(
  row: FlagRow,
  answers: readonly ResolutionDetails<T>[],
): ResolutionDetails<T> {
  return saying(row, answers).reduce((strictest, answer) =>
    row.strictness(answer.value) > row.strictness(strictest.value) ? answer : strictest,
  );
}

/**
 * The answers that count. A source without the flag of a limit says that the limit in code stands, which loosens what
 * another source says: its safe value, 0, would hide the limit that the other one has lowered.
 */
function saying<T extends FlagValue>(
  row: FlagRow,
  answers: readonly ResolutionDetails<T>[],
): readonly ResolutionDetails<T>[] {
  if (row.kind !== 'limit') return answers;
  const found = answers.filter(({ flagMetadata }) => flagMetadata?.['code'] !== 'FLAG_NOT_FOUND');
  return found.length === 0 ? answers : found;
}

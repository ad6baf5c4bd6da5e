import {
  type EvaluationContext,
  type FlagValue,
  type Hook,
  type JsonValue,
  type Logger,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import { epochOf, type FlagType, flagRow } from '../../flags/index.ts';
import { asAskedFor, safeResolution } from '../positive.ts';
import type { FlagdSettings } from './options.ts';
import { Proof } from './proof.ts';

/** One evaluation, asked of a source. */
export interface FlagdQuestion {
  readonly type: FlagType;
  readonly flagKey: string;
  readonly defaultValue: FlagValue;
  readonly context: EvaluationContext;
  readonly logger: Logger;
}

/**
 * flagd as a provider that emits changes and can be confirmed. How long it may be trusted is decided by the
 * `FailClosedProvider` around it.
 */
export abstract class FlagdSource implements Provider {
  readonly runsOn = 'server';
  readonly metadata = { name: 'kill-switch-flagd' };
  readonly events = new OpenFeatureEventEmitter();
  /** Judges whether answers are from the switch's own export. */
  protected readonly proof: Proof;
  readonly #hooks: readonly Hook[];

  constructor(settings: FlagdSettings) {
    this.proof = new Proof(settings, () => settings.clock().wall);
    this.#hooks = settings.hooks;
  }

  /** Resolves when flagd has given an answer that counts. */
  abstract confirm(): Promise<void>;
  protected abstract resolve(question: FlagdQuestion): Promise<ResolutionDetails<FlagValue>>;
  abstract onClose(): Promise<void>;

  protected emitChanged(flagKeys: readonly string[]): void {
    if (flagKeys.length > 0) this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flagKeys] });
  }

  get hooks(): Hook[] {
    return [...this.#hooks];
  }

  resolveBooleanEvaluation(flagKey: string, defaultValue: boolean, context: EvaluationContext, logger: Logger) {
    return this.#ask<boolean>({ type: 'boolean', flagKey, defaultValue, context, logger });
  }

  resolveStringEvaluation(flagKey: string, defaultValue: string, context: EvaluationContext, logger: Logger) {
    return this.#ask<string>({ type: 'string', flagKey, defaultValue, context, logger });
  }

  resolveNumberEvaluation(flagKey: string, defaultValue: number, context: EvaluationContext, logger: Logger) {
    return this.#ask<number>({ type: 'number', flagKey, defaultValue, context, logger });
  }

  resolveObjectEvaluation<T extends JsonValue>(
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
    logger: Logger,
  ) {
    return this.#ask<T>({ type: 'object', flagKey, defaultValue, context, logger });
  }

  async #ask<T extends FlagValue>(question: FlagdQuestion): Promise<ResolutionDetails<T>> {
    const { seen } = this.proof;
    const details = asAskedFor<T>(await this.resolve(question));
    const found = flagRow(question.flagKey);
    if (!found || details.errorCode !== undefined) return details;
    const fault = this.proof.fault(details.flagMetadata ?? {}, seen);
    if (!fault) return details;
    const { row } = found;
    return safeResolution({ row, callerDefault: question.defaultValue, ...question }, fault, epochOf(details));
  }
}

import {
  type FlagValue,
  ParseError,
  type Provider,
  ProviderNotReadyError,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import { MODE_FLAG, SAFE_MODE } from '../../flags/index.ts';
import type { News } from './news.ts';
import type { FlagdSettings } from './options.ts';
import { type FlagdQuestion, FlagdSource } from './source.ts';

/** flagd asked for each evaluation, over the official provider; a confirmation is one more such question. */
export class RpcSource extends FlagdSource {
  readonly #settings: FlagdSettings;
  /** Who still owes an answer to a confirmation. */
  #owing: Provider | null = null;

  constructor(settings: FlagdSettings, news: News) {
    super(settings, news);
    this.#settings = settings;
  }

  override async confirm(): Promise<void> {
    if (this.#owing) this.official.distrust(this.#owing); // it hangs: the connection may be dead while flagd is not
    const provider = await this.official.sound();
    this.#owing = provider;
    const { seen } = this.proof;
    try {
      const { flagMetadata } = await provider.resolveStringEvaluation(MODE_FLAG, SAFE_MODE, {}, this.#settings.logger);
      this.proof.learn(flagMetadata ?? {}, seen);
    } catch (error) {
      // Nobody's context may be one that its rule cannot be computed for; flagd is there all the same.
      if (!(error instanceof ParseError)) throw error;
    } finally {
      if (this.#owing === provider) this.#owing = null;
    }
  }

  protected override resolve(question: FlagdQuestion): Promise<ResolutionDetails<FlagValue>> {
    const { current } = this.official;
    if (!current) return Promise.reject(new ProviderNotReadyError('there is no connection to flagd'));
    const { type, flagKey, defaultValue, context, logger } = question;
    switch (type) {
      case 'boolean':
        return current.resolveBooleanEvaluation(flagKey, defaultValue as boolean, context, logger);
      case 'string':
        return current.resolveStringEvaluation(flagKey, defaultValue as string, context, logger);
      case 'number':
        return current.resolveNumberEvaluation(flagKey, defaultValue as number, context, logger);
      case 'object':
        return current.resolveObjectEvaluation(flagKey, defaultValue, context, logger);
      default:
        return type satisfies never;
    }
  }

  protected override changed(flagKeys: readonly string[]): void {
    this.emitChanged(flagKeys);
  }
}

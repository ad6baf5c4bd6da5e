import { type FlagValue, OpenFeatureError, ParseError, type ResolutionDetails } from '@openfeature/server-sdk';
import { MODE_FLAG, SAFE_MODE } from '../../flags/index.ts';
import { EvaluationClient } from './evaluation-client.ts';
import type { News } from './news.ts';
import type { FlagdSettings } from './options.ts';
import { type FlagdQuestion, FlagdSource } from './source.ts';

/** Asks flagd for each evaluation; a confirmation is one more such question. */
export class RpcSource extends FlagdSource {
  readonly #client: EvaluationClient;
  readonly #deadlineMs: number;
  readonly #confirmDeadlineMs: number;
  readonly #confirmation: FlagdQuestion;

  constructor(settings: FlagdSettings, news: News, confirmDeadlineMs: number) {
    super(settings);
    const { deadlineMs, logger } = settings;
    this.#deadlineMs = deadlineMs;
    this.#confirmDeadlineMs = confirmDeadlineMs;
    this.#confirmation = { type: 'string', flagKey: MODE_FLAG, defaultValue: SAFE_MODE, context: {}, logger };
    this.#client = new EvaluationClient(settings, {
      onChanged: (flagKeys) => this.emitChanged(flagKeys),
      onLost: () => news.notify(),
    });
  }

  override async confirm(): Promise<void> {
    this.#client.news.open();
    const { seen } = this.proof;
    try {
      const { flagMetadata } = await this.#client.resolve(this.#confirmation, this.#confirmDeadlineMs);
      this.proof.learn(flagMetadata ?? {}, seen);
    } catch (error) {
      if (!(error instanceof OpenFeatureError)) this.#client.giveUp();
      // The empty context of a confirmation may be one for which the rule cannot be computed; flagd has answered all
      // the same.
      if (!(error instanceof ParseError)) throw error;
    }
  }

  override async onClose(): Promise<void> {
    this.#client.close();
  }

  protected override resolve(question: FlagdQuestion): Promise<ResolutionDetails<FlagValue>> {
    return this.#client.resolve(question, this.#deadlineMs);
  }
}

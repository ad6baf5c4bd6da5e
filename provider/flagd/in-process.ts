import { FlagdCore } from '@openfeature/flagd-core';
import type { EvaluationContext, FlagValue, Hook, ResolutionDetails } from '@openfeature/server-sdk';
import { MODE_FLAG } from '../../flags/index.ts';
import type { Patience } from './grpc-connection.ts';
import type { Seen } from './lineage.ts';
import type { News } from './news.ts';
import type { FlagdSettings } from './options.ts';
import { type FlagdQuestion, FlagdSource } from './source.ts';
import { SyncClient } from './sync-client.ts';

/**
 * flagd's definition, evaluated here. Each confirmation fetches the definition, so a stream that is silently dead
 * delays nothing for longer than that; the stream only says that there is a new one to fetch. flagd has no cheaper
 * question whose answer proves what it serves now: it neither compares versions nor says that nothing has changed.
 */
export class InProcessSource extends FlagdSource {
  readonly #core: FlagdCore;
  readonly #sync: SyncClient;
  readonly #enrich: Hook;
  #definition: string | null = null;
  #fetched: string | null = null;
  /** The context that flagd sent along with its flags. */
  #syncContext: EvaluationContext | null = null;
  /** The stream has announced a change that has not been fetched yet. */
  #announced = false;
  /** The last fetch brought a change that the stream had not announced. */
  #unannounced = false;

  constructor(settings: FlagdSettings, news: News, patience: Patience) {
    super(settings);
    const { contextEnricher = (sent) => sent ?? {} } = settings;
    this.#core = new FlagdCore(undefined, settings.logger);
    this.#enrich = { before: () => contextEnricher(this.#syncContext) };
    this.#sync = new SyncClient(settings, patience, {
      onNews: (context) => {
        this.#syncContext = context ?? this.#syncContext;
        this.#announced = true;
        news.notify();
      },
      onLost: () => news.notify(),
    });
  }

  override get hooks(): Hook[] {
    return [this.#enrich, ...super.hooks];
  }

  override async confirm(): Promise<void> {
    const { seen } = this.proof;
    const definition = await this.#sync.fetchAllFlags();
    this.#watchStream(definition);
    this.#take(definition, seen);
  }

  override async onClose(): Promise<void> {
    this.#sync.close();
  }

  protected override async resolve(question: FlagdQuestion): Promise<ResolutionDetails<FlagValue>> {
    const { type, flagKey, defaultValue, context, logger } = question;
    return this.#core.resolve(type, flagKey, defaultValue, context, logger);
  }

  /**
   * @throws when the definition has no kill-switch.mode, or cannot be read; an unreadable one leaves the last good one
   * in place, for as long as its lease lasts
   */
  #take(definition: string, seen: Seen | null): void {
    if (definition !== this.#definition) {
      const changed = this.#core.setConfigurations(definition);
      this.#definition = definition;
      this.emitChanged(changed);
    }
    const flag = this.#core.getFlag(MODE_FLAG);
    if (!flag) throw new Error(`flagd's definition has no ${MODE_FLAG}`);
    this.proof.learn(flag.metadata, seen);
  }

  /**
   * Opens the stream where there is none, and replaces one that misses changes. Without a stream changes only arrive
   * later.
   */
  #watchStream(definition: string): void {
    const isDeaf = this.#unannounced && !this.#announced;
    if (isDeaf) this.#sync.news.distrust();
    this.#unannounced = this.#fetched !== null && definition !== this.#fetched && !this.#announced;
    this.#fetched = definition;
    this.#announced = false;
    this.#sync.news.open(); // its first message causes a fetch: it cannot announce what changed before it was open
  }
}

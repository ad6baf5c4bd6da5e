import type { EvaluationContext } from '@openfeature/server-sdk';
import { GrpcConnection, GrpcStatusError, type Patience } from './grpc-connection.ts';
import { NewsStream } from './news-stream.ts';
import type { FlagdSettings } from './options.ts';
import { bytesOf, decodeStruct, fieldsOf, textField, textOf } from './protobuf.ts';

const SERVICE = '/flagd.sync.v1.FlagSyncService';

export interface SyncListener {
  /**
   * flagd has a new definition, or the stream has just been opened. `context`: what flagd sends along; null where it
   * sends none.
   */
  readonly onNews: (context: EvaluationContext | null) => void;
  /** The stream was lost. */
  readonly onLost: () => void;
}

/**
 * flagd's sync port: requests for the whole definition, and a stream that says when to ask. Each has a connection of
 * its own, so that one that is silently dead does not hold up the other.
 */
export class SyncClient {
  readonly #questions: GrpcConnection;
  readonly #streams: GrpcConnection;
  readonly #request: Buffer;
  readonly #patience: Patience;
  readonly news: NewsStream;

  constructor(settings: FlagdSettings, patience: Patience, { onNews, onLost }: SyncListener) {
    this.#questions = new GrpcConnection(settings);
    this.#streams = new GrpcConnection(settings);
    this.#patience = patience;
    // The selector, also in the field that older flagd versions read.
    this.#request = settings.selector ? textField(2, settings.selector) : Buffer.alloc(0);
    this.news = new NewsStream({
      connection: this.#streams,
      path: `${SERVICE}/SyncFlags`,
      request: this.#request,
      onMessage: (message) => onNews(contextIn(message)),
      onLost,
    });
  }

  /** The definition, as text. */
  async fetchAllFlags(): Promise<string> {
    try {
      return definitionIn(await this.#questions.call(`${SERVICE}/FetchAllFlags`, this.#request, this.#patience));
    } catch (error) {
      if (!(error instanceof GrpcStatusError)) this.#questions.giveUp();
      throw error;
    }
  }

  close(): void {
    this.news.close();
    this.#streams.close();
    this.#questions.close();
  }
}

function definitionIn(message: Uint8Array): string {
  try {
    const [definition] = [...fieldsOf(message)].filter(({ number }) => number === 1);
    return definition ? textOf(definition) : '';
  } catch (cause) {
    throw new Error('flagd answered with something that is not a flag definition', { cause });
  }
}

/**
 * The context in a message; null where there is none, or none that can be read. The message causes a fetch in any case.
 */
function contextIn(message: Uint8Array): EvaluationContext | null {
  try {
    const [context] = [...fieldsOf(message)].filter(({ number }) => number === 2);
    return context ? decodeStruct(bytesOf(context)) : null;
  } catch {
    return null;
  }
}

import type { GrpcConnection } from './grpc-connection.ts';

/**
 * The least time between two attempts, in milliseconds: where each stream ends as soon as it has begun, this would
 * otherwise go round without a pause.
 */
const PAUSE_MS = 200;

export interface NewsStreamOptions {
  readonly connection: GrpcConnection;
  readonly path: string;
  readonly request: Uint8Array;
  readonly onMessage: (message: Uint8Array) => void;
  /** It has ended, and stays so until it is opened again. */
  readonly onLost: () => void;
}

/** A stream by which flagd tells that something has changed. Nothing rests on it but how soon that is seen. */
export class NewsStream {
  readonly #options: NewsStreamOptions;
  #end: (() => void) | null = null;
  #openedAt = Number.NEGATIVE_INFINITY;

  constructor(options: NewsStreamOptions) {
    this.#options = options;
  }

  /**
   * Opens it, unless it is open, or has been opened just now and was lost: then it is for the next time that one asks.
   */
  open(): void {
    if (this.#end || performance.now() < this.#openedAt + PAUSE_MS) return;
    this.#openedAt = performance.now();
    const { connection, path, request, onMessage, onLost } = this.#options;
    let isOver = false;
    const end = connection.listen(path, request, {
      onMessage,
      onEnd: () => {
        isOver = true;
        this.#end = null;
        onLost();
      },
    });
    if (!isOver) this.#end = end;
  }

  /** It is silent although there is something to tell: the next `open` makes another. */
  distrust(): void {
    if (!this.#end) return;
    this.close();
    this.#options.connection.giveUp();
  }

  close(): void {
    this.#end?.();
    this.#end = null;
  }
}

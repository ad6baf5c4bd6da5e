import type { GrpcConnection } from './grpc-connection.ts';

/**
 * The least time between two attempts to open the stream, in milliseconds: otherwise a stream that ends as soon as it
 * is open would be opened in a tight loop.
 */
const PAUSE_MS = 200;

export interface NewsStreamOptions {
  readonly connection: GrpcConnection;
  readonly path: string;
  readonly request: Uint8Array;
  readonly onMessage: (message: Uint8Array) => void;
  /** The stream has ended; `open` opens it again. */
  readonly onLost: () => void;
}

/** The stream on which flagd announces changes. Without it they only arrive later. */
export class NewsStream {
  readonly #options: NewsStreamOptions;
  #end: (() => void) | null = null;
  #openedAt = Number.NEGATIVE_INFINITY;

  constructor(options: NewsStreamOptions) {
    this.#options = options;
  }

  /** Opens the stream, unless it is open, or was opened less than 200 ms ago: then a later call opens it. */
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

  /** Ends a stream that did not announce a change; the next `open` makes another, over another connection. */
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

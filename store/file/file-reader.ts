import { foldEvent, type Head, type LogEvent, messageOf, State } from '../../flags/index.ts';
import { sameHead } from '../answers.ts';
import type { Push, Snapshot } from '../ports.ts';
import { fileError } from './file-errors.ts';
import { type LogSink, LogTail } from './log-tail.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';
import { Serial } from './serial.ts';
import { watchLog } from './watch-log.ts';

/** Reading a long log takes longer than a request may; nothing but a load or a push waits for it. In milliseconds. */
export const READ_ALL_MS = 10_000;

/** A sink that knows where the log stands. */
export interface HeadSink extends LogSink {
  readonly head: Head | null;
}

/** What both connections read alike: the log as it grows, and the pushes that come of it. */
export class FileReader {
  readonly paths: FilePaths;
  readonly #sink: HeadSink;
  readonly #tail: LogTail;
  readonly #serial = new Serial();
  readonly #requestTimeoutMs: number;
  readonly #listeners = new Set<(push: Push) => void>();
  #guest: LogSink | null = null;
  #fresh: LogEvent[] = [];
  #reading: 'further' | 'anew' = 'further';
  #known: Head | null | undefined;
  #trouble: string | null = null;
  #stopWatching: (() => void) | null = null;
  #looking = false;
  #lookAgain = false;
  #closed = false;

  constructor(
    paths: FilePaths,
    sink: HeadSink,
    { requestTimeoutMs, reads }: { readonly requestTimeoutMs: number; readonly reads: 'for writing' | 'for reading' },
  ) {
    this.paths = paths;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#sink = sink;
    const both: LogSink = {
      begin: () => {
        this.#reading = 'anew';
        this.#fresh = [];
        this.#sink.begin();
        this.#guest?.begin();
      },
      take: (event, bytes) => {
        this.#sink.take(event, bytes);
        this.#guest?.take(event, bytes);
        if (this.#reading === 'further') this.#fresh.push(event);
      },
    };
    this.#tail = new LogTail(paths.log, both, reads);
  }

  /** True when the log ends in lines that are torn: see LogChain. */
  get torn(): boolean {
    return this.#tail.torn;
  }

  /** @throws KillSwitchError CORRUPT when the log ends in lines that are torn */
  checkWhole(): void {
    this.#tail.checkWhole();
  }

  /** A request: alone, and within the deadline. @throws KillSwitchError, whatever the system says */
  async request<T>(what: string, work: () => Promise<T>, ms = this.#requestTimeoutMs): Promise<T> {
    try {
      return await this.#serial.run(what, ms, work);
    } catch (error) {
      throw fileError(error, 'read', this.paths.root);
    }
  }

  /** Brings the sink up to date; only inside a request. With a guest, everything is read anew, by both. */
  async advance(guest: LogSink | null = null): Promise<void> {
    this.#reading = 'further';
    this.#fresh = [];
    this.#guest = guest;
    try {
      const advance = await this.#tail.advance(guest !== null);
      this.#tellAdvance(advance);
    } catch (error) {
      for (const event of this.#fresh) this.#tell({ type: 'event', event }); // what stands before a torn line counts
      throw error;
    } finally {
      this.#guest = null;
      this.#fresh = [];
    }
  }

  #tellAdvance(advance: 'further' | 'anew'): void {
    const before = this.#known;
    const { head } = this.#sink;
    const recovered = this.#trouble !== null;
    this.#known = head;
    this.#trouble = null;
    if (advance === 'further') for (const event of this.#fresh) this.#tell({ type: 'event', event });
    // Read for the first time, or another file: what lies between was not pushed.
    const missed = advance === 'anew' && (before === undefined || !sameHead(before, head));
    if (missed || recovered) this.#tell({ type: 'gap' });
  }

  /** The whole state, folded from the first line. */
  async load(held: Head | null): Promise<Snapshot> {
    await localFreeBytes(this.paths.control);
    const state = new State();
    const folding = { state, linked: held === null };
    await this.advance({
      begin() {},
      take(event) {
        state.apply(foldEvent(state, event).patch, event);
        if (held !== null && event.hash === held.hash) folding.linked = true;
      },
    });
    return { head: state.head, entries: state, linked: folding.linked };
  }

  follow(listener: (push: Push) => void): () => void {
    if (this.#closed) return () => {};
    const own = (push: Push): void => listener(push); // the same function may follow twice, and then ends twice
    this.#listeners.add(own);
    this.#stopWatching ??= watchLog(this.paths.log, () => void this.#look());
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#unwatch();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#unwatch();
    await this.#serial.close(this.#requestTimeoutMs);
  }

  /** Tells every follower, whatever one of them does with it. */
  #tell(push: Push): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(push);
      } catch {
        // A follower that throws must keep neither the others from hearing nor the request that read this from its answer.
      }
    }
  }

  /** Tells followers of trouble, once until it ends. */
  tellTrouble(error: unknown): void {
    const message = messageOf(error);
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.#tell({ type: 'trouble', error: error instanceof Error ? error : new Error(message) });
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  /** The file may have changed. Never rejects. */
  async #look(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#lookAgain = false;
        await this.request('follow', () => this.advance(), READ_ALL_MS);
      } while (this.#lookAgain);
    } catch (error) {
      this.tellTrouble(error);
    } finally {
      this.#looking = false;
    }
  }
}

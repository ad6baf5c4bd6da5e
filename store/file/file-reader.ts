import type { Head } from '../../flags/index.ts';
import { LOAD_MS, type Push } from '../ports.ts';
import { Rounds } from '../rounds.ts';
import type { AdvanceOptions, BeginFold, LogFold } from './advance.ts';
import { fileError, logError } from './file-errors.ts';
import { leadsTo } from './find-event.ts';
import { Followers } from './followers.ts';
import type { ChainEnd } from './log-chain.ts';
import { LogTail, type LogTailOptions } from './log-tail.ts';
import type { FilePaths } from './paths.ts';
import { Serial, type Slot } from './serial.ts';
import type { SnapshotPlace } from './snapshot-file.ts';
import { watchLog } from './watch-log.ts';

/**
 * How long a load or a push may take, in milliseconds: reading a long log takes longer than other requests may. A
 * little less than the caller of a load waits, so that it gets the error that says why.
 */
export const READ_ALL_MS = LOAD_MS - 1000;

/**
 * What the connections of executors and operators have in common: they read the log as it grows, and push what is new.
 * `F`: what they make of the log.
 */
export class FileReader<F extends LogFold & { readonly head: Head | null }> {
  readonly paths: FilePaths;
  readonly #tail: LogTail<F>;
  readonly #serial = new Serial();
  readonly #requestTimeoutMs: number;
  readonly #followers = new Followers();
  #stopWatching: (() => void) | null = null;
  readonly #looks = new Rounds({ round: () => this.#look() });
  #closed = false;

  constructor(
    paths: FilePaths,
    begin: BeginFold<F>,
    { requestTimeoutMs, ...options }: LogTailOptions & { readonly requestTimeoutMs: number },
  ) {
    this.paths = paths;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#tail = new LogTail(paths.log, begin, options);
  }

  /** What was made of the log so far. Another object once all of it was read anew. */
  get log(): F {
    return this.#tail.fold;
  }

  /** True when the log ends in torn lines: see LogChain. */
  get torn(): boolean {
    return this.#tail.torn;
  }

  /** @throws KillSwitchError CORRUPT when the log ends in torn lines */
  checkWhole(): void {
    this.#tail.checkWhole();
  }

  /** How many bytes of the log have been read, those before a snapshot included. */
  get offset(): number {
    return this.#tail.offset;
  }

  /** Where a snapshot of the present state would stand; null when the last line is not its head's. */
  place(): Omit<SnapshotPlace, 'head'> | null {
    return this.#tail.place();
  }

  /** Does a request, one at a time, within the deadline. @throws KillSwitchError, also for errors of the system */
  async request<T>(what: string, work: (slot: Slot) => Promise<T>, ms = this.#requestTimeoutMs): Promise<T> {
    try {
      return await this.#serial.run(what, work, { ms });
    } catch (error) {
      throw fileError(error, 'read', this.paths.root);
    }
  }

  /**
   * Does a request that may take as long as reading the log does. It fails when nothing was read for `stalledMs`.
   * @throws KillSwitchError
   */
  async reading<T>(what: string, work: (slot: Slot) => Promise<T>, stalledMs: number): Promise<T> {
    try {
      return await this.#serial.run(what, work, { ms: stalledMs, steps: () => this.#tail.steps });
    } catch (error) {
      throw fileError(error, 'read', this.paths.root);
    }
  }

  /** Whether the log looks as it did when it was last read. */
  looksRead(): boolean {
    return this.#tail.looksRead();
  }

  /** Reads what was appended, and pushes it to followers; only inside a request. @throws KillSwitchError */
  async advance(options?: AdvanceOptions<F>): Promise<void> {
    const advance = await this.#tail.advance(options);
    this.#followers.pushAdvance(advance, this.log.head);
    if (advance.is === 'failed') throw advance.error;
  }

  /** Whether the event `held` comes before `later`, which is in the log. @throws KillSwitchError CORRUPT */
  async leadsTo(held: ChainEnd, later: ChainEnd): Promise<boolean> {
    try {
      return await leadsTo(this.paths.log, held, later);
    } catch (error) {
      throw logError(error, this.paths.log);
    }
  }

  follow(listener: (push: Push) => void): () => void {
    if (this.#closed) return () => {};
    const unfollow = this.#followers.add(listener);
    this.#stopWatching ??= watchLog(this.paths.log, () => this.#looks.ask());
    return () => {
      unfollow();
      if (this.#followers.count === 0) this.#unwatch();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#followers.clear();
    this.#unwatch();
    void this.#looks.close();
    await this.#serial.close(this.#requestTimeoutMs);
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  /** Reads on, because the file may have changed. Never rejects. */
  async #look(): Promise<void> {
    try {
      await this.request('follow', () => this.advance(), READ_ALL_MS);
    } catch (error) {
      this.#followers.pushTrouble(error);
    }
  }
}

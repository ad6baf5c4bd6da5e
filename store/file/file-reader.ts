import { type Head, type LogEvent, messageOf, State } from '../../flags/index.ts';
import { CATCH_UP_EVENTS, sameHead } from '../answers.ts';
import { type Answer, LOAD_MS, type Push, type Snapshot } from '../ports.ts';
import { Rounds } from '../rounds.ts';
import { fileError } from './file-errors.ts';
import { leadsTo } from './find-event.ts';
import type { ChainEnd } from './log-chain.ts';
import { explained, type LogSink, LogTail, type LogTailOptions } from './log-tail.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';
import { Serial, type Slot } from './serial.ts';
import type { Base, SnapshotPlace } from './snapshot-file.ts';
import { watchLog } from './watch-log.ts';

/**
 * Reading a long log takes longer than a request may; nothing but a load or a push waits for it. In milliseconds: a little less than whoever asked for a load
 * waits, so that they hear why it takes so long.
 */
export const READ_ALL_MS = LOAD_MS - 1000;

/** A sink that knows where the log stands. */
export interface HeadSink extends LogSink {
  readonly head: Head | null;
}

/** The state as it is being loaded, and whether the head that its caller holds was met. */
class Loading {
  readonly held: Head | null;
  state = new State();
  before: ChainEnd = { hash: '', epoch: 0 };
  #met = false;

  constructor(held: Head | null) {
    this.held = held;
  }

  /** Null when only the log before the snapshot can tell. */
  get linked(): boolean | null {
    if (this.held === null || this.#met) return true;
    return this.held.epoch < this.before.epoch ? null : false;
  }

  begin(base: Base | null): void {
    this.state = base?.state ?? new State();
    this.before = { hash: this.state.hash, epoch: this.state.epoch };
    this.#met = this.held !== null && this.state.hash === this.held.hash;
  }

  take(event: LogEvent): void {
    this.state.take(event);
    if (event.hash === this.held?.hash) this.#met = true;
  }
}

/** What both connections read alike: the log as it grows, and the pushes that come of it. */
export class FileReader {
  readonly paths: FilePaths;
  readonly #sink: HeadSink;
  readonly #tail: LogTail;
  readonly #serial = new Serial();
  readonly #requestTimeoutMs: number;
  readonly #listeners = new Set<(push: Push) => void>();
  #loading: Loading | null = null;
  /** What is to be pushed; null when it is more than a follower would take one by one. */
  #fresh: LogEvent[] | null = [];
  #reading: 'further' | 'anew' = 'further';
  #known: Head | null | undefined;
  #trouble: string | null = null;
  #stopWatching: (() => void) | null = null;
  readonly #looks = new Rounds({ round: () => this.#look() });
  #closed = false;

  constructor(
    paths: FilePaths,
    sink: HeadSink,
    { requestTimeoutMs, ...options }: LogTailOptions & { readonly requestTimeoutMs: number },
  ) {
    this.paths = paths;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#sink = sink;
    const both: LogSink = {
      begin: (base) => {
        this.#reading = 'anew';
        this.#fresh = [];
        this.#sink.begin(base);
        this.#loading?.begin(base);
      },
      take: (event, bytes) => {
        this.#sink.take(event, bytes);
        this.#loading?.take(event);
        if (this.#reading === 'anew') return;
        this.#fresh?.push(event);
        if (this.#fresh && this.#fresh.length > CATCH_UP_EVENTS) this.#fresh = null;
      },
    };
    this.#tail = new LogTail(paths.log, both, options);
  }

  /** True when the log ends in lines that are torn: see LogChain. */
  get torn(): boolean {
    return this.#tail.torn;
  }

  /** @throws KillSwitchError CORRUPT when the log ends in lines that are torn */
  checkWhole(): void {
    this.#tail.checkWhole();
  }

  /** So many bytes of the log have been read, those before a snapshot included. */
  get offset(): number {
    return this.#tail.offset;
  }

  /** Where a snapshot of what the sink holds now would stand; null when the log does not end in its head. */
  place(): Omit<SnapshotPlace, 'head'> | null {
    return this.#tail.place();
  }

  /** A request: alone, and within the deadline. @throws KillSwitchError, whatever the system says */
  async request<T>(what: string, work: (slot: Slot) => Promise<T>, ms = this.#requestTimeoutMs): Promise<T> {
    try {
      return await this.#serial.run(what, work, { ms });
    } catch (error) {
      throw fileError(error, 'read', this.paths.root);
    }
  }

  /** A request that may take as long as a long log takes to read, and fails when nothing at all was read for so long. @throws KillSwitchError */
  async reading<T>(what: string, work: (slot: Slot) => Promise<T>, stalledMs: number): Promise<T> {
    try {
      return await this.#serial.run(what, work, { ms: stalledMs, steps: () => this.#tail.steps });
    } catch (error) {
      throw fileError(error, 'read', this.paths.root);
    }
  }

  /** Brings the sink up to date, and what is being loaded; only inside a request. */
  async advance(everything = false): Promise<void> {
    this.#reading = 'further';
    this.#fresh = [];
    try {
      this.#tellAdvance(await this.#tail.advance(everything));
    } catch (error) {
      for (const event of this.#fresh ?? []) this.#tell({ type: 'event', event }); // what stands before a torn line counts
      throw error;
    } finally {
      this.#fresh = [];
    }
  }

  #tellAdvance(advance: 'further' | 'anew'): void {
    const before = this.#known;
    const { head } = this.#sink;
    const recovered = this.#trouble !== null;
    this.#known = head;
    this.#trouble = null;
    const fresh = this.#fresh;
    if (advance === 'further') for (const event of fresh ?? []) this.#tell({ type: 'event', event });
    // Read for the first time, or another file: what lies between was not pushed.
    const missed = advance === 'anew' && (before === undefined || !sameHead(before, head));
    if (missed || recovered || fresh === null) this.#tell({ type: 'gap' });
  }

  /**
   * The whole state. Reading that its caller did not wait for is kept, and the next one begins with it: a log that takes longer than a deadline is loaded all the same.
   */
  async load(held: Head | null, slot: Slot): Promise<Omit<Snapshot, keyof Answer>> {
    await localFreeBytes(this.paths.control);
    if (this.#loading?.held?.hash !== held?.hash) this.#loading = null;
    const everything = this.#loading === null;
    this.#loading ??= new Loading(held);
    const loading = this.#loading;
    try {
      await this.advance(everything);
      const linked = loading.linked ?? (held !== null && (await this.leadsTo(held, loading.before)));
      if (!slot.abandoned) this.#loading = null; // it belongs to the caller from now on
      return { head: loading.state.head, entries: loading.state, linked };
    } catch (error) {
      this.#loading = null;
      throw error;
    }
  }

  /** Whether one event comes before another that is in the log. @throws KillSwitchError CORRUPT */
  async leadsTo(held: ChainEnd, later: ChainEnd): Promise<boolean> {
    try {
      return await leadsTo(this.paths.log, held, later);
    } catch (error) {
      throw explained(error, this.paths.log);
    }
  }

  follow(listener: (push: Push) => void): () => void {
    if (this.#closed) return () => {};
    const own = (push: Push): void => listener(push); // the same function may follow twice, and then ends twice
    this.#listeners.add(own);
    this.#stopWatching ??= watchLog(this.paths.log, () => this.#looks.ask());
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#unwatch();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#unwatch();
    void this.#looks.close();
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
    try {
      await this.request('follow', () => this.advance(), READ_ALL_MS);
    } catch (error) {
      this.tellTrouble(error);
    }
  }
}

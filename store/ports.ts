import type { Anchor, Beat, Change, EntryKey, FoundReport, Head, LogEvent, StateView } from '../flags/index.ts';
import type { ReportedBeat } from './beats.ts';
import type { Confirmation, Snapshot } from './confirmation.ts';

/** Whose switch is read, and by whom. */
export interface ExecutorScope {
  readonly organizationId: string;
  /** The executor's name: stable over restarts, so that a file store can keep its anchor under it. */
  readonly executorName: string;
  readonly executorId: string;
  /** After this many milliseconds a request has failed; a reply that comes later is dropped. */
  readonly requestTimeoutMs: number;
}

/** What a store pushes as it happens. A push proves nothing about freshness. */
export type Push =
  | { readonly type: 'event'; readonly event: LogEvent }
  /** Something may have been missed (the connection was lost and made again, the files were replaced): confirm now. */
  | { readonly type: 'gap' }
  | { readonly type: 'trouble'; readonly error: Error };

/** A whole state may take this long to arrive, in milliseconds, where a request may take less. */
export const LOAD_MS = 10_000;

/** Reads the switch. */
export interface ControlReader {
  /**
   * @param nonce one that the caller has not used before; the answer has it too
   * @throws KillSwitchError STORE_UNREACHABLE, STORE_READ_ONLY, NOT_PERMITTED, CORRUPT
   */
  load(held: Head | null, nonce: string): Promise<Snapshot>;
  /** Events as they are appended; the returned function ends it, more than once too. */
  follow(listener: (push: Push) => void): () => void;
  close(): Promise<void>;
}

/** Writes under an executor's own name only. */
export interface ExecutorReporter {
  /**
   * Writes the beat and reads the head and the clock in one step: a store that cannot be written cannot confirm.
   * @param nonce one that the caller has not used before; the answer has it too
   */
  confirm(beat: Beat, nonce: string): Promise<Confirmation>;
  /**
   * True where a confirmation would only wait for the one before it, and age meanwhile: it is then asked for when that
   * one is over.
   */
  readonly confirmsOneByOne: boolean;
  /** The executor has closed cleanly and leaves the count. */
  leave(): Promise<void>;
  /**
   * Where the last head is kept over restarts; null: nowhere, so a restarted executor cannot recognise a restored
   * backup.
   */
  readonly anchor: AnchorKeeper | null;
}

/** Synchronous, because a head is kept before it is acted on. */
export interface AnchorKeeper {
  /** Where it is, for messages. */
  readonly location?: string | undefined;
  /** @throws when there is one that cannot be read: that is not the same as none */
  read(): Anchor | null;
  /** @throws KillSwitchError ANCHOR_FOREIGN when another control plane's is there: that is never replaced */
  write(anchor: Anchor): void;
}

/** What executors keep beside their beats: one text an id. None of it changes the switch. */
export type ShelfName = 'surfaces' | 'checkpoints';

/** What a driver does to keep reports; `store/reports.ts` says what is in them. The texts are JSON. */
export interface Shelf {
  /** Adds interventions, one text each; the store keeps a bounded number of the newest. */
  appendInterventions(texts: readonly string[]): Promise<void>;
  /**
   * Adds proposals, the only trace of work that somebody is to take up: a bounded number of each executor's newest,
   * which others cannot push out.
   */
  appendProposals(texts: readonly string[]): Promise<void>;
  put(name: ShelfName, id: string, text: string): Promise<void>;
  get(name: ShelfName, id: string): Promise<string | null>;
  remove(name: ShelfName, id: string): Promise<void>;
}

/**
 * What an executor has kept, and who has written it as far as the store knows (`ReportedBeat.writer`): the text itself
 * may claim anything.
 */
export interface KeptText {
  readonly text: string;
  readonly writer?: string;
}

/**
 * The last texts of several lists, each list in the order in which it was written; and what could not be read, and why.
 */
export interface KeptLists {
  readonly texts: readonly KeptText[];
  readonly problems: readonly string[];
}

/**
 * Reads what executors have kept, and knows nothing of what is in it: which of two executors' texts is the newer one,
 * `store/reports.ts` says. What cannot be read is a text that is no record.
 */
export interface ShelfReader {
  /** The last interventions of each list that the store keeps, at most `limit` of each. */
  interventions(limit: number): Promise<KeptLists>;
  /** The same of proposals, which each executor (in Redis: each name) has a list of. */
  proposals(limit: number): Promise<KeptLists>;
  all(name: ShelfName): Promise<ReadonlyArray<KeptText & { readonly id: string }>>;
}

/** How many interventions a store keeps at least. */
export const KEPT_INTERVENTIONS = 10_000;

/** How many proposals of one executor (in Redis: of one name) a store keeps at least. */
export const KEPT_PROPOSALS = 10_000;

/**
 * How many checkpoints a store keeps at least: those of the runs that were last saved. A run that ended well keeps
 * none.
 */
export const KEPT_CHECKPOINTS = 10_000;

export interface ExecutorConnection extends ControlReader, ExecutorReporter {
  readonly shelf: Shelf;
}

/** What an executor holds: it can read and report, and nothing else. */
export interface ExecutorStore {
  /** Where it is, without any secret. */
  readonly location: string;
  /** Says that it is no operator's. */
  readonly side: 'executor';
  open(scope: ExecutorScope): ExecutorConnection;
}

/** A part of the state at one moment, enough to plan a change. */
export interface ControlView extends StateView {
  readonly head: Head | null;
  /** The store's clock, RFC 3339 UTC. */
  readonly time: string;
}

/** One change, to be appended exactly where `expected` stands. */
export interface Append extends Change {
  /** Null: the store is empty. */
  readonly expected: Head | null;
}

/** Writes the switch. It lives in an entry point of its own, so that an agent's process cannot hold one by accident. */
export interface ControlWriter {
  /** The named entries and the head, read at one moment. */
  read(keys: readonly EntryKey[]): Promise<ControlView>;
  /**
   * Appends one change or several, each of which expects the head that the one before it leaves; durably, in one round
   * trip or sync. False when the head was no longer the first one's `expected`, and then nothing was changed. What
   * every reader would refuse is refused here, and nothing is written.
   * @throws when it is not known whether they were appended: then all of them were, none, or (where a disk is full) the
   * first ones
   */
  append(...changes: Append[]): Promise<boolean>;
  /**
   * Every executor that has reported and not left. What one of them wrote never makes this throw: it is shown with its
   * `problem`.
   */
  executors(): Promise<readonly ReportedBeat[]>;
  /**
   * An operator's word that an executor is gone; any id that `executors` shows, whatever it looks like. `writer`: only
   * what this one has written, as `executors` shows it; others may have written the same id.
   */
  forget(executorId: string, writer?: string): Promise<void>;
}

/** A state that a store has kept apart, and what proves it once it is in the log. */
export interface SnapshotMark {
  readonly epoch: number;
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string;
}

/** What executors judge when they decide whether the store has lost a change. */
export interface FoundReports {
  readonly reports: readonly FoundReport[];
  readonly floods: readonly Flood[];
}

/** What stops executors whatever the reports say, unless it is of somebody whom an operator has said not to believe. */
export interface Flood {
  readonly what: string;
  readonly by: readonly string[];
}

/** The last head that an executor saw, as it has kept it apart from the store. */
export interface Remembered {
  readonly name: string;
  readonly held: Head;
}

/** Reads what is kept outside a store of what executors have seen in it. */
export interface AnchorReader {
  /**
   * What executors of this user remember of this very store: an empty one was then wiped or replaced. Never rejects.
   */
  remembered(): Promise<readonly Remembered[]>;
}

/** Keeps states apart from a log that is read from its beginning. */
export interface SnapshotKeeper {
  /**
   * Keeps the present state apart when that spares later readers enough, and answers what is to be appended as a
   * `snapshot` event so that they believe it; null when there is nothing to do. Never rejects.
   */
  keep(): Promise<SnapshotMark | null>;
}

/** Reads reports of forks where executors look for them. */
export interface ForkReader {
  /** What is reported against this generation, also by those that have left. */
  read(generation: string): Promise<FoundReports>;
}

/**
 * What an operator holds of a store. What a driver can do beside this is a *capability*: a member with a type of its
 * own, null where the driver lacks it. It is never optional, so whoever writes a driver has to say.
 */
export interface ControlConnection extends ControlReader, ControlWriter {
  readonly shelf: ShelfReader;
  /** Null: nobody on this machine keeps any, or an operator cannot see them. */
  readonly anchors: AnchorReader | null;
  /** Null: the state is kept beside the log anyway. */
  readonly snapshots: SnapshotKeeper | null;
  /** Null: only beats tell of forks. */
  readonly forks: ForkReader | null;
  /**
   * The log after that `seq`, oldest first.
   * @throws KillSwitchError CORRUPT at the first event that is not what was written
   */
  log(after: number): AsyncIterable<LogEvent>;
}

export interface ControlScope {
  readonly organizationId: string;
  readonly requestTimeoutMs: number;
  /** Told now and then while a long log is read: how many bytes of how many. */
  readonly onReading?: ((bytes: number, of: number) => void) | undefined;
}

/** What an operator holds. */
export interface ControlStore {
  readonly location: string;
  /** Says that it is no executor's. */
  readonly side: 'operator';
  /** True when `ControlView.time` comes from a clock that is not this machine's, so that the two can be compared. */
  readonly ownClock: boolean;
  open(scope: ControlScope): ControlConnection;
}

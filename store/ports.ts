import type { Beat, Change, EntryKey, Head, LogEvent, StateView } from '../flags/index.ts';
import type { ReportedBeat } from './beats.ts';
import type { AlertKeeper } from './capabilities/alerts.ts';
import type { AnchorKeeper, AnchorReader } from './capabilities/anchors.ts';
import type { LogDropper } from './capabilities/archive.ts';
import type { Inspection } from './capabilities/inspection.ts';
import type { ApprovalKeeper, Approvals } from './capabilities/approvals.ts';
import type { ForkReader } from './capabilities/forks.ts';
import type { Journal, JournalKeeper } from './capabilities/journal.ts';
import type { Ledger, LedgerReader } from './capabilities/ledger.ts';
import type { OperatingNotes } from './capabilities/operating.ts';
import type { Tally } from './capabilities/tally.ts';
import type { SnapshotKeeper } from './capabilities/snapshots.ts';
import type { StopReader, Stops } from './capabilities/stops.ts';
import type { Confirmation, Snapshot } from './confirmation.ts';

/** Which organization's switch an executor opens, and who it is. */
export interface ExecutorScope {
  readonly organizationId: string;
  /** The executor's name: stable over restarts, so that a file store can keep its anchor under it. */
  readonly executorName: string;
  readonly executorId: string;
  /** A request fails after this many milliseconds; a later reply is dropped. */
  readonly requestTimeoutMs: number;
}

/** What a store pushes to its followers. A push proves nothing about freshness. */
export type Push =
  | { readonly type: 'event'; readonly event: LogEvent }
  /** Events may have been missed (the connection was lost and made again, or the files were replaced): confirm now. */
  | { readonly type: 'gap' }
  /** An executor may have stopped something: a confirmation brings it. */
  | { readonly type: 'stops' }
  | { readonly type: 'trouble'; readonly error: Error };

/** How long a whole state may take to arrive, in milliseconds, even if requests may take less. */
export const LOAD_MS = 10_000;

/** Reads the switch. */
export interface ControlReader {
  /**
   * @param nonce one that the caller has not used before; the answer has it too
   * @throws KillSwitchError STORE_UNREACHABLE, STORE_READ_ONLY, NOT_PERMITTED, CORRUPT
   */
  load(held: Head | null, nonce: string): Promise<Snapshot>;
  /** Pushes events as they are appended. The returned function ends it, and may be called more than once. */
  follow(listener: (push: Push) => void): () => void;
  close(): Promise<void>;
}

/** Writes under an executor's own name only. */
export interface ExecutorReporter {
  /**
   * Writes the beat and reads the head and the clock in one step: a store that cannot be written cannot confirm.
   * @param nonce one that the caller has not used before; the answer has it too
   * @throws KillSwitchError STORE_UNREACHABLE, STORE_READ_ONLY, NOT_PERMITTED, CORRUPT
   */
  confirm(beat: Beat, nonce: string): Promise<Confirmation>;
  /**
   * True for a store that takes one confirmation at a time: each is sent only when the one before it is over, since it
   * would age while it waited.
   */
  readonly confirmsOneByOne: boolean;
  /** The executor has closed cleanly and leaves the count. */
  leave(): Promise<void>;
  /**
   * Keeps the last head over restarts. Null: nothing does, so a restarted executor cannot recognise a restored backup.
   */
  readonly anchor: AnchorKeeper | null;
}

/** What executors keep beside their beats: one text for each id. None of it changes the switch. */
export type ShelfName = 'surfaces' | 'checkpoints';

/** What executors add to, text after text. */
export type ListName = 'interventions' | 'notices' | 'proposals' | 'seen' | 'shadow';

/** How a driver keeps reports, as JSON texts; `store/reports.ts` says what is in them. */
export interface Shelf {
  /** Adds interventions, one text each. The store keeps a bounded number of the newest. */
  appendInterventions(texts: readonly string[]): Promise<void>;
  /**
   * Adds proposals, the only trace of work that a person is to take up. The store keeps a bounded number of each
   * executor's newest, which other executors cannot push out.
   */
  appendProposals(texts: readonly string[]): Promise<void>;
  /**
   * Adds notices of writes that were let through. The store keeps a bounded number of each executor's newest, apart
   * from its interventions: no number of writes pushes out a refusal.
   */
  appendNotices(texts: readonly string[]): Promise<void>;
  /**
   * Adds what shadow runs would have done, and what people then did. The store keeps a bounded number of each
   * executor's newest, which other executors cannot push out.
   */
  appendShadow(texts: readonly string[]): Promise<void>;
  /**
   * Adds what this executor has met, one text each. The store keeps a bounded number of each executor's newest for two
   * days, also when the executor has left or was forgotten: what was seen there is asked for then, too.
   */
  appendSeen(texts: readonly string[]): Promise<void>;
  put(name: ShelfName, id: string, text: string): Promise<void>;
  get(name: ShelfName, id: string): Promise<string | null>;
  remove(name: ShelfName, id: string): Promise<void>;
}

/**
 * A text that an executor has kept, and its writer as far as the store knows (`ReportedBeat.writer`): the text itself
 * may claim anything.
 */
export interface KeptText {
  readonly text: string;
  readonly writer?: string;
}

/**
 * The last texts of several lists, each list in the order in which it was written; and for what could not be read, why.
 */
export interface KeptLists {
  readonly texts: readonly KeptText[];
  readonly problems: readonly string[];
}

/**
 * Reads what executors have kept, without looking into the texts: `store/reports.ts` says which of two is newer. For
 * what cannot be read there is a text that is no record.
 */
export interface ShelfReader {
  /** The last interventions of each list that the store keeps, at most `limit` of each. */
  interventions(limit: number): Promise<KeptLists>;
  /** The last proposals in the same way; each executor (in Redis: each name) has a list of them. */
  proposals(limit: number): Promise<KeptLists>;
  /** The last notices, in lists as proposals. */
  notices(limit: number): Promise<KeptLists>;
  /** The last shadow runs and outcomes, in lists as proposals. */
  shadow(limit: number): Promise<KeptLists>;
  /** The last of what executors have met, in lists as proposals. */
  seen(limit: number): Promise<KeptLists>;
  all(name: ShelfName): Promise<ReadonlyArray<KeptText & { readonly id: string }>>;
}

/** How many interventions a store keeps at least. */
export const KEPT_INTERVENTIONS = 10_000;

/** How many proposals of one executor (in Redis: of one name) a store keeps at least. */
export const KEPT_PROPOSALS = 10_000;

/** How many notices of one executor (in Redis: of one name) a store keeps at least. */
export const KEPT_NOTICES = 10_000;

/** How many shadow runs and outcomes together of one executor (in Redis: of one name) a store keeps at least. */
export const KEPT_SHADOW = 10_000;

/** How many records of what one executor (in Redis: executors of one name) has met a store keeps at least. */
export const KEPT_SEEN = 2000;

/**
 * How many checkpoints a store keeps at least: the last one of each run, those that were saved last. A run that ended
 * well keeps none.
 */
export const KEPT_CHECKPOINTS = 10_000;

export interface ExecutorConnection extends ControlReader, ExecutorReporter {
  readonly shelf: Shelf;
  /** Null: what can be undone, or must not be done twice, is refused. */
  readonly journal: Journal | null;
  /** Null: nobody can be asked over this store. */
  readonly approvals: Approvals | null;
  /** Null: nothing can be spent through this store, so calls that meet a budget are blocked. */
  readonly ledger: Ledger | null;
  /** Null: no stop of an executor is kept, so what trips stops this process alone. */
  readonly stops: Stops | null;
}

/** What an executor holds: it can read and report, and nothing else. */
export interface ExecutorStore {
  /** Its location, without secrets. */
  readonly location: string;
  /**
   * Where there is no control plane: where one is that was perhaps meant, as a clause; empty where none is known. Null:
   * one is never looked for.
   */
  readonly nearby: (() => string) | null;
  /** Tells it from an operator's store. */
  readonly side: 'executor';
  /**
   * Loads the optional packages that the driver needs, so that one that is missing is said before anything is asked.
   * Null: it needs none.
   * @throws KillSwitchError MISSING_PACKAGE
   */
  readonly loadPackages: (() => Promise<void>) | null;
  open(scope: ExecutorScope): ExecutorConnection;
}

/** The entries of the state that planning a change takes, at one moment. */
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

/** Writes the switch. It is in an entry point of its own, so that an agent's process does not get one by accident. */
export interface ControlWriter {
  /**
   * The named entries and the head, read at one moment. Where only kills are named, or nothing, a newer version's
   * changes keep nobody from reading: what cannot be read as a kill reads as a full stop without an end, with what is
   * there set aside, so that its target can be killed again. Nothing may be given back by what was read so.
   * @throws KillSwitchError UNKNOWN_ENTRY, UNKNOWN_EVENT where other entries are named, and a newer version wrote them
   */
  read(keys: readonly EntryKey[]): Promise<ControlView>;
  /**
   * Appends one change or several, durably, in one round trip or sync; each change expects the head that the one before
   * it leaves. False when the head was no longer the first one's `expected`; nothing was changed then. A change that
   * readers would refuse is refused here, and nothing is written.
   * @throws KillSwitchError STORE_UNREACHABLE, STORE_READ_ONLY when it is not known whether they were appended: then
   * all of them were, none, or (where a disk is full) the first ones. With any other code nothing was appended, also
   * with CLOSED: `close` waits for an append that was sent, within the time of a request.
   */
  append(...changes: Append[]): Promise<boolean>;
  /**
   * Every executor that has reported and not left. No beat makes this throw: an unreadable one is shown with its
   * `problem`.
   */
  executors(): Promise<readonly ReportedBeat[]>;
  /**
   * Takes out an executor that an operator says is gone, by any id that `executors` shows. `writer`, as `executors`
   * shows it: only what this one has written, since others may have used the same id.
   */
  forget(executorId: string, writer?: string): Promise<void>;
}

/** How many replicas a store has, and how many of them have a change. */
export interface Replication {
  readonly replicas: number;
  readonly replicated: number;
}

/**
 * An operator's connection to a store. What else a driver can do is a *capability*: a member with a type of its own,
 * null where the driver lacks it. It is never optional, so that each driver says whether it has it.
 */
export interface ControlConnection extends ControlReader, ControlWriter {
  readonly shelf: ShelfReader;
  /** Null: no executor on this machine keeps any, or an operator cannot see them. */
  readonly anchors: AnchorReader | null;
  /** Null: the driver keeps the state beside the log anyway. */
  readonly snapshots: SnapshotKeeper | null;
  /** Null: the driver keeps the whole log. */
  readonly dropper: LogDropper | null;
  /** Whether a file on this machine is part of the store, so that nothing else may be written there. */
  owns(file: string): boolean;
  /** Null: only beats report forks. */
  readonly forks: ForkReader | null;
  /** Null: executors keep no journals there. */
  readonly journals: JournalKeeper | null;
  /** Null: nobody can be asked over this store. */
  readonly approvals: ApprovalKeeper | null;
  /** Null: nothing can be spent through this store. */
  readonly ledger: LedgerReader | null;
  /** Null: no stop of an executor is kept. */
  readonly stops: StopReader | null;
  /** Null: nobody can be told of anything over this store. */
  readonly alerts: AlertKeeper | null;
  /** Null: what is refused is counted by each process alone. */
  readonly tally: Tally | null;
  /** Null: nobody can tell whether an operating process runs. */
  readonly operating: OperatingNotes | null;
  /**
   * Which replicas of the store have a change by now, and would keep it if the store's own machine were lost; null: not
   * known. A driver without replicas says that there are none.
   * @throws KillSwitchError
   */
  replication(head: Pick<Head, 'epoch' | 'hash'>): Promise<Replication | null>;
  /** What the store says of itself to whoever checks it. @throws KillSwitchError */
  inspect(): Promise<Inspection>;
  /**
   * Why the store may lose what it has acknowledged, as a sentence that says how to mend it; null where nothing says
   * so.
   */
  problem(): Promise<string | null>;
  /**
   * The log after that `seq`, oldest first. After 0: all that the store has.
   * @throws KillSwitchError CORRUPT at the first event that is not what was written; ARCHIVED where events after that
   * one were archived and dropped
   */
  log(after: number): AsyncIterable<LogEvent>;
}

export interface ControlScope {
  readonly organizationId: string;
  readonly requestTimeoutMs: number;
  /** Called now and then while a long log is read: how many bytes of how many. */
  readonly onReading?: ((bytes: number, of: number) => void) | undefined;
}

/** A store as operators open it. */
export interface ControlStore {
  readonly location: string;
  /** Tells it from an executors' store. */
  readonly side: 'operator';
  /** True when `ControlView.time` is not by this machine's clock, so that the two can be compared. */
  readonly ownClock: boolean;
  /** As of an executors' store. */
  readonly loadPackages: (() => Promise<void>) | null;
  open(scope: ControlScope): ControlConnection;
}

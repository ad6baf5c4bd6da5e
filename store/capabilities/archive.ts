import type { Entry, EntryKey, Head } from '../../flags/index.ts';

/** The state after the event of `head`. */
export interface StateAt {
  readonly head: Head;
  readonly entries: Iterable<readonly [EntryKey, Entry]>;
}

/** A point up to which a log may be dropped: an event, when that was, and the state after it. */
export interface DropPoint {
  readonly epoch: number;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** @throws KillSwitchError NOT_FOUND where the event is gone by now; CORRUPT where no state can be made there */
  state(): Promise<StateAt>;
}

/** Where a log begins of which the first part was dropped: with the event of `head`, and the state there. */
export interface ArchivedBeginning {
  readonly head: Head;
  /** @throws KillSwitchError CORRUPT where it is gone, or not the one that the log proves */
  state(): Promise<StateAt>;
}

/** Drops the first part of a log, once that was archived. Each step can be repeated. */
export interface LogDropper {
  /** What its points are, as the end of a sentence. */
  readonly pointsAre: string;
  /**
   * Where the log begins; null where nothing says that its first part was dropped: it begins with its first event, or
   * was cut off, which reading it shows.
   * @throws KillSwitchError CORRUPT
   */
  beginning(): Promise<ArchivedBeginning | null>;
  /** Finds out whether it could drop something, and drops nothing. @throws KillSwitchError that says what to change */
  check(): Promise<void>;
  /** The points up to which the log may be dropped, the newest first. @throws KillSwitchError CORRUPT */
  points(): AsyncIterable<DropPoint>;
  /** Keeps the state of one of them for good. @throws KillSwitchError NOT_FOUND where it is gone by now */
  keep(head: Head): Promise<void>;
  /**
   * Drops what comes before the event of `head`, whose state was kept. Resolves to about how many bytes were freed.
   * `looks`: called right before; where it rejects, nothing is dropped. Where executors have reported something since,
   * it is called again.
   * @throws what `looks` rejects with; KillSwitchError NOT_FOUND: nothing was dropped; of any other that is not known
   */
  drop(head: Head, looks: () => Promise<void>): Promise<number>;
}

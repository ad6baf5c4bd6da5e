import type { Entry, EntryKey, Head } from '../../flags/index.ts';

/** A state that the store keeps and the log proves. */
export interface KeptState {
  readonly head: Head;
  readonly entries: Iterable<readonly [EntryKey, Entry]>;
}

/** A place up to which a log may be dropped: its event, when that was, and the state there. */
export interface Droppable {
  readonly epoch: number;
  /** RFC 3339 UTC. */
  readonly at: string;
  state(): Promise<KeptState>;
}

/** Where a log begins of which the first part was dropped: with the event of `head`, and the state there. */
export interface ArchivedBeginning {
  readonly head: Head;
  /** @throws KillSwitchError CORRUPT where it is not the one that the log proves */
  state(): Promise<KeptState>;
}

/** Drops the first part of a log, once that was archived. Each step can be repeated. */
export interface LogDropper {
  /** Which places there are, as a sentence that begins with "A log is archived up to". */
  readonly offers: string;
  /** Where the log begins; null where it begins with its first event. @throws KillSwitchError CORRUPT */
  beginning(): Promise<ArchivedBeginning | null>;
  /** Tries to drop something, of which nothing is left. @throws KillSwitchError that says what to install or change */
  check(): Promise<void>;
  /** The places up to which the log may be dropped, the newest first. */
  places(): AsyncIterable<Droppable>;
  /** Keeps the state of one of them for good. @throws KillSwitchError NOT_FOUND where it is gone by now */
  keep(head: Head): Promise<void>;
  /**
   * Drops what comes before the event of `head`, whose state was kept. Resolves to how many bytes were freed.
   * @throws KillSwitchError where nothing was dropped
   */
  drop(head: Head): Promise<number>;
}

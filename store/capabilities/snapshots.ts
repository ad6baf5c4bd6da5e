/** Names a snapshot; as an event in the log it proves that snapshot. */
export interface SnapshotMark {
  readonly epoch: number;
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string;
}

/** Writes snapshots beside a log, so that it need not be read from its beginning. */
export interface SnapshotKeeper {
  /**
   * Writes a snapshot of the present state when that spares later readers enough. Resolves to the mark that is to be
   * appended as a `snapshot` event so that they believe it; null when there is nothing to do. Never rejects.
   */
  keep(): Promise<SnapshotMark | null>;
}

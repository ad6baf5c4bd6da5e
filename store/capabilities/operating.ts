/** Notes that a process operates the switch: ends kills whose time is over, records stops, sends alerts. */
export interface OperatingNotes {
  /** Says that one does so now. */
  note(): Promise<void>;
  /** When one last said so, by the store's clock, RFC 3339 UTC; null where none has in the last hour. */
  last(): Promise<string | null>;
}

/** How long such a note is kept, in milliseconds. */
export const OPERATING_KEPT_MS = 3_600_000;

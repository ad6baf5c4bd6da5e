import type { FaultCode, State } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';

/** What an export needs of a live copy. */
export interface ExportSource {
  /** The folded state; null where it must not be used: then `full_stop` is exported. */
  state(): State | null;
  /**
   * The wall time in milliseconds at which the last confirmation was sent, minus its age where it came through a hop;
   * null without one.
   */
  confirmedAt(): number | null;
  /** Calls the listener after each change of state or standing; the returned function ends it. */
  onChange(listener: () => void): () => void;
  /**
   * Asks for a confirmation, within `timeoutMs` milliseconds; called before each reissue. A source whose confirmations
   * come by themselves has nothing to do.
   */
  confirm(timeoutMs: number): Promise<unknown>;
}

/** Faults of a store that cannot be reached. Its last state is no wrong one: the file that is there ends by itself. */
const CUT_OFF: ReadonlySet<FaultCode> = new Set([
  'NOT_READY',
  'STALE',
  'STORE_UNREACHABLE',
  'STORE_READ_ONLY',
  'CLOSED',
]);

/** A replica as the source of an export. */
export const replicaSource = (replica: Replica): ExportSource => ({
  state() {
    const fault = replica.fault();
    return fault === null || CUT_OFF.has(fault.code) ? replica.state : null;
  },
  confirmedAt: () => replica.confirmedAt(),
  onChange: (listener) => replica.on(listener),
  confirm: (timeoutMs) => replica.confirmNow(timeoutMs),
});

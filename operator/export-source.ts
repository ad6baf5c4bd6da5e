import type { FaultCode, State } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';

/** The live copy of a switch, as the export sees it. */
export interface ExportSource {
  /** The folded state; null where it must not be acted on, which is exported as `full_stop`. */
  state(): State | null;
  /**
   * The wall time in milliseconds at which the last confirmation was sent, less the age it had through a hop; null
   * without one.
   */
  confirmedAt(): number | null;
  /** Calls the listener after each change of state or standing; the returned function ends it. */
  onChange(listener: () => void): () => void;
  /**
   * Confirms anew before each reissue, within `timeoutMs`; without it the export takes the confirmations as they come.
   */
  confirm?(timeoutMs: number): Promise<unknown>;
}

/** These say that the store cannot be reached, not that it is wrong: the file that is there runs out by itself. */
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
  confirm: (timeoutMs) => replica.permit(timeoutMs),
});

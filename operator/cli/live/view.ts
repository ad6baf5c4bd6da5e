import type { LogEvent } from '../../../flags/index.ts';
import type { Status } from '../../answers.ts';
import type { ApprovalRecord } from '../../approval-records.ts';

/** All that the live view shows, as it was last read. */
export interface View {
  readonly status: Status;
  /** When it was read, by this machine's clock, in milliseconds since 1970. */
  readonly readAt: number;
  /** Since when the store does not answer, and what it says; null where it does. */
  readonly outage: { readonly since: number; readonly problem: string } | null;
  /** The request that has waited longest for a person; null where none waits. */
  readonly oldest: Pick<ApprovalRecord, 'requested_at' | 'expires_at'> | null;
  /** The last changes, the newest first. */
  readonly events: readonly LogEvent[];
  /** The last thing that was noted, which would have been printed on stderr; '' where nothing is to be said. */
  readonly note: string;
}

/**
 * Since when nothing is killed: when the last kill ended, or the control plane began; null where that lies before the
 * changes that are known.
 */
export function nothingSince({ status, events }: Pick<View, 'status' | 'events'>): string | null {
  if (status.active_kills > 0) return null;
  const ended = events.find(({ seq, type }) => seq <= status.epoch && (ENDING.has(type) || seq === 1));
  return ended?.at ?? null;
}

const ENDING: ReadonlySet<string> = new Set(['revive', 'expire']);

import { randomUUID } from 'node:crypto';
import { checkLeaseMs, type Clock } from '../flags/index.ts';
import { requestMs } from '../flags/lease.ts';
import type { Ledger } from './capabilities/ledger.ts';
import type { Stops } from './capabilities/stops.ts';
import { ownBeats, type Work } from './own-beat.ts';
import { ownReports, type Reportable } from './own-reports.ts';
import type { Approvals } from './capabilities/approvals.ts';
import type { ExecutorStore } from './ports.ts';
import { Replica } from './replica.ts';
import type { Journal } from './capabilities/journal.ts';
import { journalInTime, ledgerInTime, stopsInTime } from './in-time.ts';
import { type ExecutorReports, executorReports, reportsInTime } from './reports.ts';
import { checkSide } from './side.ts';
import { systemClock } from './system-clock.ts';

export interface ConnectOptions extends Partial<Reportable> {
  readonly store: ExecutorStore;
  readonly organizationId: string;
  readonly leaseMs: number;
  readonly executorName?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly work?: (() => Work) | undefined;
}

/** The uses of an executor's connection. Whoever needs one of them is given that one. */
export interface ConnectedExecutor {
  /** By which operators know it. */
  readonly id: string;
  /** The copy by which is decided. Closing it closes the connection, also for the reports. */
  readonly replica: Replica;
  /** What goes to the store beside the beats. */
  readonly reports: ExecutorReports;
  /** What this executor intends and what became of it; null: its store keeps no journal. */
  readonly journal: Journal | null;
  /** Asks people, and uses what they have approved; null where the store cannot. */
  readonly approvals: Approvals | null;
  /** Counts what is spent; null where the store cannot. */
  readonly ledger: Ledger | null;
  /** Keeps what this executor stops by itself; null where the store cannot. */
  readonly stops: Stops | null;
}

/**
 * Opens the connection of a new executor. Nothing is asked of the store before the replica is started.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function connectExecutor({
  store,
  organizationId,
  executorName = 'executor',
  clock = systemClock,
  work,
  surfaces = () => null,
  seen = () => [],
  ...options
}: ConnectOptions): ConnectedExecutor {
  checkSide('An executor', store, 'executor');
  const leaseMs = checkLeaseMs(options.leaseMs);
  const requestTimeoutMs = requestMs(leaseMs);
  const executorId = randomUUID();
  const connection = store.open({ organizationId, executorId, executorName, requestTimeoutMs });
  const reports = reportsInTime(executorReports(connection.shelf, { executorId, executorName }), requestTimeoutMs);
  const replica = new Replica({
    connection,
    organizationId,
    location: store.location,
    nearby: store.nearby ?? undefined,
    leaseMs,
    requestMs: requestTimeoutMs,
    clock,
    beat: ownBeats({
      id: executorId,
      name: executorName,
      leaseMs,
      anchored: connection.anchor !== null,
      startedAt: clock().wall,
      work,
    }),
    reportOwn: ownReports({ surfaces, seen }, reports, clock),
  });
  const journal = connection.journal && journalInTime(connection.journal, requestTimeoutMs);
  const { approvals } = connection;
  const ledger = connection.ledger && ledgerInTime(connection.ledger, requestTimeoutMs);
  const stops = connection.stops && stopsInTime(connection.stops, requestTimeoutMs);
  return { id: executorId, replica, reports, journal, approvals, ledger, stops };
}

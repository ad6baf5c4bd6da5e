import { overdueDrill } from '../flags/index.ts';
import type { Approvals } from '../store/capabilities/approvals.ts';
import type { Ledger } from '../store/capabilities/ledger.ts';
import type { Stops } from '../store/capabilities/stops.ts';
import type { Journal } from '../store/capabilities/journal.ts';
import type { ConnectOptions } from '../store/connect-executor.ts';
import type { Replica } from '../store/replica.ts';
import type { ExecutorReports } from '../store/reports.ts';
import { Changes } from './changes.ts';
import { InFlight } from './in-flight.ts';
import { createMetrics, type GuardMetrics } from './metrics.ts';
import { Registry } from './registry.ts';
import { SeenHere } from './seen-here.ts';

/** What an executor reports of itself with its beats. */
export type Reported = Required<Pick<ConnectOptions, 'work' | 'surfaces' | 'seen'>>;

/**
 * This process as one that performs actions: what runs here, what can, who waits, and its copy of the switch where
 * there is a store.
 */
export interface Executor<Copy extends Replica | null = Replica | null> {
  /** By which operators know it; null without a store. */
  readonly id: string | null;
  readonly replica: Copy;
  /** What it reports beside its beats; null without a store. */
  readonly reports: ExecutorReports | null;
  /** What it intends, and what became of it; null without a store, and where that keeps none. */
  readonly journal: Journal | null;
  /** Asks people, and uses what they have approved; null without a store, and where that cannot. */
  readonly approvals: Approvals | null;
  /** Counts what is spent; null without a store, and where that cannot. */
  readonly ledger: Ledger | null;
  /** Keeps what it stops by itself; null without a store, and where that cannot. */
  readonly stops: Stops | null;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  /** Calls `listener` when something has begun to run, to be watched or to wait; the returned function ends that. */
  readonly onBegin: (listener: () => void) => () => void;
  readonly registry: Registry;
  readonly metrics: GuardMetrics;
}

/** What an executor has of its store: each is null where it has none. */
type AtStore<Copy extends Replica | null> = Pick<
  Executor<Copy>,
  'id' | 'replica' | 'reports' | 'journal' | 'approvals' | 'ledger' | 'stops'
>;

export const WITHOUT_STORE: AtStore<null> = {
  id: null,
  replica: null,
  reports: null,
  journal: null,
  approvals: null,
  ledger: null,
  stops: null,
};

/** Whether a drill is overdue, as this executor knows the switch; null where it knows neither that nor the time. */
function isDrillOverdue(replica: Replica | null): boolean | null {
  const now = replica?.storeNow() ?? null;
  const state = replica?.state;
  if (now === null || !state) return null;
  const { drill_ms = null } = state.get('governance') ?? {};
  return overdueDrill(state.drills, drill_ms, new Date(now).toISOString()) !== null;
}

/**
 * Puts an executor together. From then on each change of its copy is acted on in the turn in which it comes: first
 * what must stop of the work that runs is stopped, then all that waits is woken.
 *
 * @param connect connects it with its store, where it reports what this is given
 */
export function openExecutor<Copy extends Replica | null>(
  version: string,
  connect: (reported: Reported) => AtStore<Copy>,
): Executor<Copy> {
  const listeners = new Set<() => void>();
  const begin = (): void => {
    for (const listener of listeners) listener();
  };
  const changes = new Changes(begin);
  const registry = new Registry(() => replica?.report());
  const seen = new SeenHere();
  const inFlight = new InFlight(() => replica?.report(), begin, seen);
  const metrics = createMetrics(version, {
    epoch: () => replica?.epoch ?? 0,
    stalenessMs: () => replica?.stalenessMs() ?? null,
    inFlight: () => inFlight.count,
    isDrillOverdue: () => isDrillOverdue(replica),
  });
  const { replica, ...atStore } = connect({
    work: () => inFlight.work,
    surfaces: () => registry.take(),
    seen: ({ last }) => {
      // What an executor can do, and who acts there, is forgotten when it leaves; what it has met is not.
      if (last) {
        inFlight.noteOpen();
        for (const { action, surface, feature } of registry.list())
          seen.noteAction({ action, surface, feature: feature ?? undefined }, Date.now());
      }
      return seen.take();
    },
  });
  // The first of all listeners: what must stop is stopped before anybody is woken who waits.
  replica?.on((event) => {
    const stopped = inFlight.check();
    changes.notify();
    const now = replica.storeNow(); // `at` is a time of the store's clock
    if (stopped > 0 && event.type === 'changed' && event.at !== null && now !== null)
      metrics.stopped(now - Date.parse(event.at));
  });
  const onBegin = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return { ...atStore, replica, inFlight, changes, onBegin, registry, metrics };
}

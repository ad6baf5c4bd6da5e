import type { Replica, ReplicaOptions } from '../store/replica.ts';
import { Changes } from './changes.ts';
import { InFlight } from './in-flight.ts';
import { createMetrics, type GuardMetrics } from './metrics.ts';
import { Registry } from './registry.ts';

/** What an executor reports of itself with its beats. */
export type Reported = Required<Pick<ReplicaOptions, 'work' | 'surfaces'>>;

/**
 * This process as one that performs actions: what runs here, what can, who waits, and its copy of the switch where
 * there is a store.
 */
export interface Executor<Copy extends Replica | null = Replica | null> {
  readonly replica: Copy;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  readonly registry: Registry;
  readonly metrics: GuardMetrics;
}

/**
 * Puts an executor together. From then on each change of its copy is told, in the turn in which it comes: first to the
 * work that runs, then to all that waits.
 *
 * @param openCopy makes the copy, which reports what it is given; null without a store
 */
export function openExecutor<Copy extends Replica | null>(
  version: string,
  openCopy: (reported: Reported) => Copy,
): Executor<Copy> {
  const changes = new Changes();
  const registry = new Registry(() => replica?.report());
  const inFlight = new InFlight(() => replica?.report());
  const metrics = createMetrics(version, {
    epoch: () => replica?.epoch ?? 0,
    stalenessMs: () => replica?.stalenessMs() ?? null,
    inFlight: () => inFlight.count,
  });
  const replica = openCopy({ work: () => inFlight.work, surfaces: () => registry.take() });
  // The first of all listeners: whoever runs is told before anybody is woken who waits.
  replica?.on((event) => {
    const stopped = inFlight.check();
    changes.notify();
    const now = replica.storeNow(); // `at` is a time of the store's clock
    if (stopped > 0 && event.type === 'changed' && event.at !== null && now !== null)
      metrics.stopped(now - Date.parse(event.at));
  });
  return { replica, inFlight, changes, registry, metrics };
}

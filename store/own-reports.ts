import { type Clock, isKillSwitchError, type Seen, type SurfaceRecord } from '../flags/index.ts';
import type { ExecutorReports } from './reports.ts';

/** How often at most an executor reports what it has newly met, in milliseconds. */
const SEEN_EVERY_MS = 2000;

/** A record of what was met, before its executor is named in it. */
export type NewlySeen = Omit<Seen, 'executor'>;

/** What an executor has to report beside its beats. */
export interface Reportable {
  /** What can act here, when that has changed since it was last asked for; null when it has not. */
  readonly surfaces: () => readonly SurfaceRecord[] | null;
  /** What it has met since it was last asked; with `last`, it will not be asked again. */
  readonly seen: (options: { readonly last: boolean }) => readonly NewlySeen[];
}

/**
 * Reports it. Called after each confirmation, and a `last` time, when only what was met is of use. Rejects only where
 * the store cannot be reached.
 */
export type ReportOwn = (options?: { readonly last: boolean }) => Promise<void>;

/**
 * Reports what can act here whenever that has changed, and now and then what was newly met; and again what the store
 * did not take.
 */
export function ownReports(
  { surfaces, seen }: Reportable,
  reports: Pick<ExecutorReports, 'describe' | 'see' | 'executorName'>,
  clock: Clock,
): ReportOwn {
  let unreported: readonly SurfaceRecord[] | null = null;
  let unseen: readonly Seen[] = [];
  let seenAt = Number.NEGATIVE_INFINITY;
  return async ({ last } = { last: false }) => {
    if (!last) unreported = surfaces() ?? unreported;
    if (unreported && !last) {
      const described = unreported;
      await taken(
        () => reports.describe(described),
        () => (unreported = null),
      );
    }
    if (!last && clock().mono - seenAt < SEEN_EVERY_MS) return;
    const executor = reports.executorName;
    unseen = [...unseen, ...seen({ last }).map((record) => ({ ...record, executor }))].slice(-MOST_UNSEEN);
    if (unseen.length === 0) return;
    seenAt = clock().mono;
    const met = unseen;
    await taken(
      () => reports.see(met),
      () => (unseen = []),
    );
  };
}

/** How many records of what was met wait for a store that does not take them. */
const MOST_UNSEEN = 2000;

async function taken(report: () => Promise<void>, done: () => unknown): Promise<void> {
  try {
    await report();
    done();
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'STORE_UNREACHABLE') throw error;
    // The switch itself has been confirmed, and a refused report changes no decision: it is no trouble, and is reported
    // again later.
  }
}

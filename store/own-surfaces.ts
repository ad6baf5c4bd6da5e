import { isKillSwitchError, type SurfaceRecord } from '../flags/index.ts';
import type { ExecutorReports } from './reports.ts';

/**
 * Reports what can act here whenever that has changed, and again what the store did not take.
 *
 * @param changed what can act here, when that has changed since it was last asked for; null when it has not
 * @returns what is called with each confirmation; it rejects only where the store cannot be reached
 */
export function ownSurfaces(
  changed: () => readonly SurfaceRecord[] | null,
  reports: Pick<ExecutorReports, 'describe'>,
): () => Promise<void> {
  let unreported: readonly SurfaceRecord[] | null = null;
  return async () => {
    const surfaces = changed() ?? unreported;
    if (!surfaces) return;
    unreported = surfaces;
    try {
      await reports.describe(surfaces);
      unreported = null;
    } catch (error) {
      if (isKillSwitchError(error) && error.code === 'STORE_UNREACHABLE') throw error;
      // The switch itself has been confirmed, and a refused report changes no decision: it is no trouble, and is
      // reported again with the next confirmation.
    }
  };
}

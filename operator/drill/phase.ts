import { entriesOf } from './evidence.ts';
import type { DrillSoFar } from './so-far.ts';

/** One phase of a drill. What it finds wrong it says, or throws as DrillStopped where nothing may follow. */
export interface Phase {
  readonly name: string;
  /** What is done, to be shown while it is. */
  readonly says: string;
  readonly run: (so: DrillSoFar) => Promise<void>;
}

/** How often the executors are heard, in milliseconds. */
export const POLL_MS = 50;

/** What has landed of the drill's own work, undone or not. */
export async function canaryLandings(so: DrillSoFar) {
  const { journals } = so.parts.connection;
  if (!journals || !so.performer) return [];
  const entries = await entriesOf(journals, so.run);
  return entries.filter(({ rollback, state }) => !rollback && state === 'landed');
}

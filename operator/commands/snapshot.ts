import type { SnapshotMark } from '../../store/capabilities/snapshots.ts';
import { type CommandRow, event } from './row.ts';

/** Records the proof of a snapshot that a store has kept. */
export const snapshot: CommandRow<{ readonly mark: SnapshotMark }> = {
  isUngoverned: true,
  changes: () => ['control'],
  wish: ({ mark }) => event('snapshot', { ...mark }),
};

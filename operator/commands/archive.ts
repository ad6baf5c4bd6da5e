import type { ArchivedPart } from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { type CommandRow, event, refused } from './row.ts';

/** Records that the first part of the log is in a file. `after`: up to where it was archived before; 0: it was not. */
export interface Archive extends GivenReason {
  readonly after: number;
  readonly part: ArchivedPart;
}

/** What its reason is asked for, to begin a sentence. */
export const ARCHIVING = 'Archiving the log';

export const archive: CommandRow<Archive> = {
  isUngoverned: true,
  needsReasonAlways: true,
  takesReason: () => ARCHIVING,
  changes: () => ['archive'],
  // Of two at once the second has looked at a log that was not archived so far.
  wish: ({ after, part }, view) => {
    const archived = view.get('archive')?.head.epoch ?? 0;
    return archived === after
      ? event('archive', { ...part })
      : refused({ kind: 'archived_meanwhile', epoch: archived });
  },
};

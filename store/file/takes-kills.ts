import { accessSync, constants, type Stats, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';

/** Free space that a kill needs, with a reserve, in bytes. */
const ROOM = 64 * 1024;

/**
 * Checks that an operator could append a kill now, as far as an executor can tell, which may not append itself: a log
 * that takes no kill must not confirm its state. Passes where there is no control folder. Takes one turn of the event
 * loop.
 * @throws KillSwitchError STORE_READ_ONLY, NETWORK_FILESYSTEM
 */
export async function checkTakesKills({ control, log }: FilePaths): Promise<void> {
  for (const path of [control, log]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return;
    if (isLockedByOwner(found)) {
      throw new KillSwitchError(
        'STORE_READ_ONLY',
        `${path} is write-protected (chmod u+w ends it), so it takes no kill.`,
      );
    }
    try {
      accessSync(path, constants.W_OK);
    } catch (error) {
      // An executor that runs as another user has no permission here, as it should be.
      if (errnoOf(error) !== 'EACCES' || found.uid === user()) throw fileError(error, 'written', path);
    }
  }
  try {
    // No file has this name. On a read-only mount the system refuses to remove it before it looks at permissions.
    unlinkSync(join(control, '.no-such-file'));
  } catch (error) {
    if (errnoOf(error) === 'EROFS') throw fileError(error, 'written', control);
  }
  const free = await localFreeBytes(control);
  if (free < ROOM) {
    throw new KillSwitchError(
      'STORE_READ_ONLY',
      `The disk of ${control} is full (${free} bytes left), so it takes no kill. Free some space.`,
    );
  }
}

const user = (): number | undefined => process.geteuid?.();

/** True when this user owns the file and has write-protected it. Root may write it all the same. */
const isLockedByOwner = ({ uid, mode }: Stats): boolean =>
  uid === user() && uid !== 0 && (mode & constants.S_IWUSR) === 0;

import { accessSync, constants, type Stats, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';

/** Room for a kill and then some, in bytes. */
const ROOM = 64 * 1024;

/**
 * Looks whether an operator could append a kill now, as far as an executor can tell that may not do so itself: a log
 * that takes no kill must not confirm what it holds. Nothing to say where there is no control folder. It takes one turn
 * of the event loop.
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
      // An executor of another user has no permission here, and that is as it should be.
      if (errnoOf(error) !== 'EACCES' || found.uid === user()) throw fileError(error, 'written', path);
    }
  }
  try {
    // Nothing has this name. Removing it is refused on a read-only mount before anyone's permissions are looked at.
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

/** Root may write what is write-protected. */
const isLockedByOwner = ({ uid, mode }: Stats): boolean =>
  uid === user() && uid !== 0 && (mode & constants.S_IWUSR) === 0;

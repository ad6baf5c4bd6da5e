import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';

/** The name of the folder of a switch, in the folder of what it is for. */
export const FOLDER = '.kill-switch';

export interface FoundFolder {
  /** Its absolute path. */
  readonly directory: string;
  /** How many folders up it is; 0: in the present one. */
  readonly up: number;
}

/** The user who runs the command; null where the system has no numeric users (Windows). */
export interface User {
  readonly uid: number;
  /** Who has become root by sudo. */
  readonly sudoUid: number | null;
}

/**
 * The nearest `.kill-switch` in this folder or one above it, up to the root of the file system that this one is on;
 * null where there is none. The nearest one decides also where it holds no control plane: that one was wiped, or is not
 * mounted, and a kill in another one further up would reach nobody that was meant.
 * @throws KillSwitchError NOT_PERMITTED where it is above, and another user has put it there or could change it: a kill
 * in it might stop nothing. As git does, the command takes it only where it is named.
 */
export function findFolder(present: string, user: User | null): FoundFolder | null {
  const device = entry(present, statSync)?.dev;
  for (let [folder, up] = [present, 0]; ; [folder, up] = [dirname(folder), up + 1]) {
    if (entry(folder, statSync)?.dev !== device) return null;
    const directory = join(folder, FOLDER);
    const [itself, target] = [entry(directory, lstatSync), entry(directory, statSync)];
    // A link to what is gone was meant to be one.
    if (itself && (target?.isDirectory() || (!target && itself.isSymbolicLink()))) {
      const why = up === 0 || user === null ? null : whyNotTrusted(directory, [itself, target ?? itself], user);
      if (why !== null) throw notTrusted(directory, why);
      return { directory, up };
    }
    if (folder === dirname(folder)) return null;
  }
}

function whyNotTrusted(directory: string, found: readonly Stats[], { uid, sudoUid }: User): string | null {
  const trusted = [0, uid, ...(uid === 0 && sudoUid !== null ? [sudoUid] : [])];
  const stranger = found.find((stats) => !trusted.includes(stats.uid));
  if (stranger) return `it belongs to another user (uid ${stranger.uid})`;
  const open = found.some((stats) => stats.isDirectory() && (stats.mode & 0o1002) === 0o002);
  return open ? `everybody may write in it (chmod o-w ${directory})` : null;
}

const notTrusted = (directory: string, why: string): KillSwitchError =>
  new KillSwitchError(
    'NOT_PERMITTED',
    `The nearest switch above this folder is in file:${directory}, but ${why}, so it is used only where it is named. Nothing was stopped or changed. If your agents use it, add: --store file:${directory} (for one in this folder: --store file:${FOLDER})`,
  );

/** Null where there is nothing of that name, or this user may not look there. */
function entry(path: string, stat: typeof statSync): Stats | null {
  try {
    return stat(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../flags/index.ts';
import { errnoOf } from './file-errors.ts';

/** This process's user; undefined where the system has no numeric users (Windows). */
const user = (): number | undefined => process.geteuid?.();

/** True for this user, and for root, who may do everything anyway. */
const isTrusted = (owner: number): boolean => owner === 0 || owner === (user() ?? owner);

const found = (path: string) => statSync(path, { throwIfNoEntry: false });
const foundItself = (path: string) => lstatSync(path, { throwIfNoEntry: false });

const belongsTo = (path: string, owner: number): string => `${path} belongs to uid ${owner}`;

/**
 * Why another user could add to a folder or remove from it; null where none could, and where there is no such folder.
 */
export function whyNotPrivate(folder: string): string | null {
  if (user() === undefined) return null;
  try {
    const [link, stats] = [foundItself(folder), found(folder)];
    if (!link || !stats) return null;
    const stranger = [link.uid, stats.uid].find((owner) => !isTrusted(owner));
    if (stranger !== undefined) return belongsTo(folder, stranger);
    return (stats.mode & 0o022) === 0 ? null : `others may write in ${folder}`;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether there is anything of that name: a file, a folder or a link. */
export function isThere(path: string): boolean {
  try {
    return foundItself(path) !== undefined;
  } catch {
    return false; // this user may not look into the folder
  }
}

/** Why a file cannot be trusted as this user's own; null where it can, and where there is none. */
export function whyNotOwn(file: string): string | null {
  const stats = foundItself(file);
  if (!stats) return null;
  if (!stats.isFile()) return `${file} is no regular file`;
  return stats.uid === (user() ?? stats.uid) ? null : belongsTo(file, stats.uid);
}

/** Makes a folder of this user's own where there is none. Returns why nothing can be written in it, or null. */
export function whyNotWritable(folder: string): string | null {
  try {
    const stranger = strangerAbove(folder);
    if (stranger !== null) return stranger;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
    return null;
  } catch (error) {
    return `${folder} cannot be written (${errnoOf(error) ?? messageOf(error)})`;
  }
}

/**
 * Why no folder may be made there: the nearest folder above is another user's, in whose way the new one would be. So it
 * is where root runs with the home of somebody else, as sudo may do.
 */
function strangerAbove(folder: string): string | null {
  for (let path = folder; ; path = dirname(path)) {
    const stats = found(path);
    if (stats) return isTrusted(stats.uid) ? null : belongsTo(path, stats.uid);
    if (path === dirname(path)) return null;
  }
}

import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../flags/index.ts';
import { errnoOf } from './file-errors.ts';

/** Undefined where the system knows no such users. */
const user = (): number | undefined => process.geteuid?.();

/** This user, or root, who may do everything anyway. */
const isTrusted = (owner: number): boolean => owner === 0 || owner === (user() ?? owner);

const found = (path: string) => statSync(path, { throwIfNoEntry: false });
const foundItself = (path: string) => lstatSync(path, { throwIfNoEntry: false });

const belongsTo = (path: string, owner: number): string => `${path} belongs to uid ${owner}`;

/**
 * Why somebody else could have put there what is in a folder, or could take it away; null where nobody could, and where
 * there is no such folder.
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

/** Whether there is something of that name, whatever it is. */
export function isThere(path: string): boolean {
  try {
    return foundItself(path) !== undefined;
  } catch {
    return false; // this user may not look into the folder
  }
}

/** Why a file is not to be read as this user's own; null where it is, and where there is none. */
export function whyNotOwn(file: string): string | null {
  const stats = foundItself(file);
  if (!stats) return null;
  if (!stats.isFile()) return `${file} is no regular file`;
  return stats.uid === (user() ?? stats.uid) ? null : belongsTo(file, stats.uid);
}

/** Makes a folder of this user's own where there is none. Gives why nothing can be written in it, or null. */
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
 * What is made in another user's folder would be in that user's way, as where root is given the home of somebody (sudo
 * may do so).
 */
function strangerAbove(folder: string): string | null {
  for (let path = folder; ; path = dirname(path)) {
    const stats = found(path);
    if (stats) return isTrusted(stats.uid) ? null : belongsTo(path, stats.uid);
    if (path === dirname(path)) return null;
  }
}

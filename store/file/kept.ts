import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, openSync, renameSync, type Stats, writeFile } from 'node:fs';
import { type FileHandle, lstat, open, opendir, rmdir, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';
import type { OpenFolder } from './folder.ts';

/** What one file holds that somebody else may have written, or why it is not read. */
export type Kept = { readonly text: string; readonly owner: number } | { readonly problem: string };

/**
 * Reads one file of a folder in which others may write: a regular file, at most so long; no link is followed and
 * nothing is waited for. `linked`: it may have other names (hard links), which anybody can give it where the system
 * lets them; else it is not read then, because it could be any file of its owner. Never rejects. Null when it has just
 * been removed.
 */
export const readKept = (
  folder: OpenFolder,
  name: string,
  longest: number,
  { linked = false }: { readonly linked?: boolean } = {},
): Promise<Kept | null> => read(folder, name, { longest, linked, from: () => 0 });

/** The same of the last `bytes` of a file, however long it is; `cut` says whether there is more before them. */
export async function readKeptEnd(
  folder: OpenFolder,
  name: string,
  bytes: number,
): Promise<(Kept & { readonly cut: boolean }) | null> {
  let cut = false;
  const from = (size: number): number => {
    cut = size > bytes;
    return Math.max(0, size - bytes);
  };
  const kept = await read(folder, name, { longest: Number.POSITIVE_INFINITY, from });
  return kept && { ...kept, cut };
}

interface Reading {
  readonly longest: number;
  readonly linked?: boolean;
  /** Which byte of so many is the first one that is read. */
  readonly from: (size: number) => number;
}

async function read(
  folder: OpenFolder,
  name: string,
  { longest, linked = false, from }: Reading,
): Promise<Kept | null> {
  const strangeness = (found: Stats): string | null => whatIsStrange(found, { longest, linked });
  let file: FileHandle | null = null;
  try {
    // Looked at first, because opening a device can do something; opened without waiting, because a pipe may be put
    // there in between.
    const problem = strangeness(await lstat(folder.at(name)));
    if (problem !== null) return { problem };
    file = await open(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    const changed = strangeness(found);
    if (changed !== null) return { problem: changed };
    return { text: await textOf(file, from(found.size), found.size), owner: found.uid };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return null;
    return { problem: errno === undefined ? messageOf(error) : `the system says ${errno}` };
  } finally {
    await file?.close();
  }
}

async function textOf(file: FileHandle, from: number, to: number): Promise<string> {
  const bytes = Buffer.alloc(to - from);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, from + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.toString('utf8', 0, length);
}

/** Why a file is not what this package writes, or null. */
function whatIsStrange(found: Stats, { longest, linked }: { longest: number; linked: boolean }): string | null {
  if (!found.isFile()) return `${kindOf(found)} is in its place`;
  if (found.nlink > 1 && !linked) return `it has ${found.nlink} names (hard links), so it may be any file`;
  if (found.size > longest) return `it has ${found.size} bytes, more than the ${longest} that are read`;
  return null;
}

function kindOf(found: Stats): string {
  if (found.isSymbolicLink()) return 'a symbolic link';
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a named pipe';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

/** The mode of what others must be able to read who may look into its folder, whatever the umask of its writer is. */
export const FOR_ALL = 0o644;

const writeTo = promisify(writeFile);

/**
 * Puts a whole file in place of whatever has that name, or fails and leaves it; only the writing itself takes a turn of
 * the event loop. `mode`: whatever the umask is.
 * @throws KillSwitchError; ENOENT as the system says it: the folder has gone
 */
export async function putKept(
  folder: OpenFolder,
  name: string,
  text: string,
  { mode }: { readonly mode?: number | undefined } = {},
): Promise<void> {
  // Random and exclusive: nobody else's half-written file is ever renamed, and no link that waits there is followed.
  const temporary = folder.at(`${randomBytes(9).toString('hex')}.tmp`);
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW);
    try {
      await writeTo(fd, text);
      if (mode !== undefined) fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, folder.at(name));
  } catch (error) {
    await unlink(temporary).catch(() => {}); // what went wrong is told below
    throw fileError(error, 'written', `${folder.path}/${name}`);
  }
}

/**
 * Adds to a file that this user has made, or makes it (`isNew`). Resolves to its length; null where it is not there any
 * more, or is not what it was: another user's, a link, a pipe, or a file with other names.
 */
export async function appendKept(
  folder: OpenFolder,
  name: string,
  { text, isNew }: { readonly text: string; readonly isNew: boolean },
): Promise<number | null> {
  const making = isNew ? constants.O_CREAT | constants.O_EXCL : 0;
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: FileHandle | null = null;
  try {
    file = await open(folder.at(name), flags | making).catch((error: unknown) => {
      if (isNew) throw error;
      return null;
    });
    if (!file || (!isNew && !isOwnFile(await file.stat()))) return null;
    await file.appendFile(text);
    return (await file.stat()).size;
  } catch (error) {
    throw fileError(error, 'written', `${folder.path}/${name}`);
  } finally {
    await file?.close();
  }
}

/** Whether a file can be this user's and nobody else's. */
const isOwnFile = (found: Stats): boolean =>
  isOwn(found.uid) && whatIsStrange(found, { longest: Number.POSITIVE_INFINITY, linked: false }) === null;

/** Whether this is the user that a file belongs to; true where the system knows no such users. */
export const isOwn = (owner: number): boolean => owner === (process.geteuid?.() ?? owner);

/** Removes that name from a folder; what it was a link to stays. @throws KillSwitchError */
export async function removeKept(folder: OpenFolder, name: string): Promise<void> {
  try {
    await unlink(folder.at(name)).catch((error: unknown) => {
      // A folder in its place: an empty one goes as well.
      if (errnoOf(error) === 'EISDIR' || errnoOf(error) === 'EPERM') return rmdir(folder.at(name));
      throw error;
    });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, 'written', `${folder.path}/${name}`);
  }
}

/**
 * The names in a folder, at most `most` of those that end so; `more`: there may be others. Whatever is in it, no more
 * than a bounded number is looked at.
 */
export async function namesIn(
  folder: OpenFolder,
  ending: string,
  most: number,
): Promise<{ readonly names: readonly string[]; readonly more: boolean }> {
  const names: string[] = [];
  let seen = 0;
  for await (const { name } of await opendir(folder.self, { bufferSize: 512 })) {
    seen += 1;
    // Half-written files may lie beside the others, but not in any number.
    if (names.length >= most || seen > 2 * most) return { names, more: true };
    if (name.endsWith(ending)) names.push(name);
  }
  return { names, more: false };
}

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  writeFile,
} from 'node:fs';
import { type FileHandle, lstat, open, opendir, rmdir, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';
import type { OpenFolder } from './folder.ts';

/** The text of a file that another user may have written, or why it is not read. */
export type Kept = { readonly text: string; readonly owner: number } | { readonly problem: string };

/**
 * Reads one file of a folder in which others may write, if it is a regular file of at most `longest` bytes. Follows no
 * link, and does not wait for a pipe. A file with several names (hard links) is read only with `linked`, since it could
 * be any file of its owner: where the system lets them, others can add names to it. Never rejects. Null when it has
 * just been removed.
 */
export const readKept = (
  folder: OpenFolder,
  name: string,
  longest: number,
  { linked = false }: { readonly linked?: boolean } = {},
): Promise<Kept | null> => read(folder, name, { longest, linked, from: () => 0 });

/**
 * Reads the last `bytes` of a file in the same way, however long it is; `cut` says whether there is more before them.
 */
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
  /** The offset at which reading begins, by the file's size. */
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
    // Its type is looked at first, because opening a device can have effects. It is opened without waiting, because a
    // pipe may be put there in between.
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

/**
 * Reads one small file in the same way, at once: for thousands of them a turn of the event loop for each step would
 * take most of the time. The caller lets it turn now and then.
 */
export function readKeptNow(folder: OpenFolder, name: string, longest: number): Kept | null {
  let fd: number | null = null;
  try {
    const problem = whatIsStrange(lstatSync(folder.at(name)), { longest, linked: true });
    if (problem !== null) return { problem };
    fd = openSync(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(fd);
    const changed = whatIsStrange(found, { longest, linked: true });
    if (changed !== null) return { problem: changed };
    const bytes = Buffer.alloc(found.size);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, length);
    return { text: bytes.toString('utf8', 0, length), owner: found.uid };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return null;
    return { problem: errno === undefined ? messageOf(error) : `the system says ${errno}` };
  } finally {
    if (fd !== null) closeSync(fd);
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

/** Why this package cannot have written such a file, or null. */
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

/** The mode of files that all users of their folder must be able to read, whatever the umask of the writer is. */
export const FOR_ALL = 0o644;

const writeTo = promisify(writeFile);

/**
 * Puts a whole file in the place of the one of that name, or fails and leaves that. Only writing takes a turn of the
 * event loop. `mode`: of the file, whatever the umask is; `sync`: it is on the disk before it has its name.
 * @throws KillSwitchError
 */
export async function putKept(
  folder: OpenFolder,
  name: string,
  text: string,
  { mode, sync = false }: { readonly mode?: number | undefined; readonly sync?: boolean } = {},
): Promise<void> {
  // Random and exclusive: it is never another writer's half-written file, nor a link that another user has put there.
  const temporary = folder.at(`${randomBytes(9).toString('hex')}.tmp`);
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW);
    try {
      await writeTo(fd, text);
      if (mode !== undefined) fchmodSync(fd, mode);
      if (sync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, folder.at(name));
  } catch (error) {
    await unlink(temporary).catch(() => {}); // the error below says what went wrong
    throw fileError(error, 'written', `${folder.path}/${name}`);
  }
}

/**
 * Makes a whole file of that name, durably, unless there is one: of several who try, one does, and no half of a file is
 * ever there. Resolves to whether it was made.
 * @throws KillSwitchError
 */
export async function putOnce(folder: OpenFolder, name: string, text: string): Promise<boolean> {
  const temporary = folder.at(`${randomBytes(9).toString('hex')}.tmp`);
  let file: FileHandle | null = null;
  try {
    file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW);
    await file.writeFile(text);
    fchmodSync(file.fd, FOR_ALL);
    await file.datasync();
    const made = linkIsNew(temporary, folder.at(name));
    if (made) await syncNames(folder);
    return made;
  } catch (error) {
    throw fileError(error, 'written', `${folder.path}/${name}`);
  } finally {
    await file?.close();
    await unlink(temporary).catch(() => {}); // what is left is a second name of the same file, or nothing
  }
}

function linkIsNew(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** A name that was added is on the disk only after this. */
async function syncNames({ self }: OpenFolder): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder to sync it
  const folder = await open(self, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Appends to a file that this user has made, or makes it (`isNew`). Resolves to its length; null where it is gone or
 * was exchanged for another user's file, a link, a pipe, or a file with several names.
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

/** Whether a file is this user's own and nothing else: no link, no pipe, no other names. */
const isOwnFile = (found: Stats): boolean =>
  isOwn(found.uid) && whatIsStrange(found, { longest: Number.POSITIVE_INFINITY, linked: false }) === null;

/** Whether this user is the file's owner; true where the system has no numeric users (Windows). */
export const isOwn = (owner: number): boolean => owner === (process.geteuid?.() ?? owner);

/** Removes a name from a folder; a link's target stays. @throws KillSwitchError */
export async function removeKept(folder: OpenFolder, name: string): Promise<void> {
  try {
    await unlink(folder.at(name)).catch((error: unknown) => {
      // A folder is in its place: an empty one is removed too.
      if (errnoOf(error) === 'EISDIR' || errnoOf(error) === 'EPERM') return rmdir(folder.at(name));
      throw error;
    });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, 'written', `${folder.path}/${name}`);
  }
}

/**
 * At most `most` names in a folder that have this ending; `more`: there may be others. At most `2 * most` names are
 * looked at.
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
    // There may be half-written files beside the others, but only a few.
    if (names.length >= most || seen > 2 * most) return { names, more: true };
    if (name.endsWith(ending)) names.push(name);
  }
  return { names, more: false };
}

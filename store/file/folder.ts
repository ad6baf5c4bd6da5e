import { chmodSync, closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';

/** A folder below a store's root, while it is open. */
export interface OpenFolder {
  /** Where it is, for people. */
  readonly path: string;
  /** The folder itself, however it is called by now: what is done by this path is done in it. */
  readonly self: string;
  /** The path of one name in it. Only the last part of it may still be a link. */
  at(name: string): string;
}

/** Linux opens a folder by where it is in a process's own table, whatever has become of its name since. */
const DESCRIPTORS = '/proc/self/fd';
const byDescriptor = process.platform === 'linux' && existsSync(DESCRIPTORS);

/** Opens a folder without the right to list it (O_PATH, which Node does not name). */
const PATH_ONLY = 0o10000000;

/**
 * Works in a folder below `root` into which no link leads: executors may write there, so a link could lead an operator's hand to any file.
 * Each folder on the way is opened inside the one before it, which nobody can exchange meanwhile; where the system has no such way (it is not Linux)
 * each is looked at first. Gives null when there is no such folder.
 * @throws KillSwitchError CORRUPT: a link, or no folder, is in its place
 */
export async function inFolder<T>(
  root: string,
  path: string,
  work: (folder: OpenFolder) => Promise<T>,
): Promise<T | null> {
  const entered = enter(root, path, false);
  if (entered) return use(entered, path, work);
  await turn(); // nothing was waited for, and whoever asks in a loop must not keep everything else from happening
  return null;
}

/** The same, and makes the folder where there is none; `made` says whether it had to. */
export async function inFolderMade<T>(
  root: string,
  path: string,
  work: (folder: OpenFolder, made: boolean) => Promise<T>,
): Promise<T> {
  const entered = enter(root, path, true);
  if (!entered)
    throw fileError(Object.assign(new Error('it was removed at once'), { code: 'ENOENT' }), 'written', path);
  return use(entered, path, (folder) => work(folder, entered.made));
}

interface Entered {
  /** The open folder, or null where the path stands for it. */
  readonly fd: number | null;
  readonly made: boolean;
}

async function use<T>({ fd }: Entered, path: string, work: (folder: OpenFolder) => Promise<T>): Promise<T> {
  const self = fd === null ? path : `${DESCRIPTORS}/${fd}`;
  try {
    return await work({ path, self, at: (name) => join(self, name) });
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Synchronous: none of these calls waits for anything but the disk's index. */
function enter(root: string, path: string, make: boolean): Entered | null {
  let made = false;
  let reached = root;
  let fd: number | null = null;
  const step = (name: string | null): void => {
    const inside: string = fd === null ? reached : `${DESCRIPTORS}/${fd}`;
    const target: string = name === null ? inside : join(inside, name);
    const open = (): number | null => openFolder(target, name !== null);
    let next: number | null;
    try {
      next = open();
    } catch (error) {
      if (!make || errnoOf(error) !== 'ENOENT') throw error;
      const isOurs = makeFolder(target, name === null);
      made ||= isOurs;
      next = open();
      if (isOurs && name !== null) inheritMode(inside, next === null ? target : `${DESCRIPTORS}/${next}`);
    }
    if (fd !== null) closeSync(fd);
    fd = next;
    if (name !== null) reached = join(reached, name);
  };
  try {
    step(null);
    for (const name of relative(root, path).split(sep)) step(name);
    return { fd, made };
  } catch (error) {
    if (fd !== null) closeSync(fd);
    const errno = errnoOf(error);
    if (errno === 'ENOENT' && !make) return null;
    if (errno === 'ELOOP' || errno === 'ENOTDIR') throw noFolder(path);
    throw fileError(error, make ? 'written' : 'read', path);
  }
}

/** @throws an error with the code ENOTDIR or ELOOP for whatever is no folder of its own */
function openFolder(path: string, below: boolean): number | null {
  if (byDescriptor) return openSync(path, PATH_ONLY | constants.O_DIRECTORY | (below ? constants.O_NOFOLLOW : 0));
  if (below && !lstatSync(path).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
  return null;
}

function makeFolder(path: string, parents: boolean): boolean {
  try {
    mkdirSync(path, { recursive: parents });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false; // somebody else has just made it
    throw error;
  }
}

/**
 * Who may write in a folder may write in those below it, whoever was first to make one: its mode is its parent's (the sticky and the setgid bit too),
 * not what the maker's umask leaves of it.
 */
function inheritMode(parent: string, folder: string): void {
  const [wanted, found] = [statSync(parent).mode, statSync(folder).mode];
  if (wanted === found) return;
  try {
    chmodSync(folder, wanted & 0o7777);
  } catch {
    // A file system without modes; whoever made it can write in it all the same.
  }
}

const noFolder = (path: string): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is not a folder of its own: there is a link or a file where a folder belongs, in its place or on the way to it. Nothing was read or removed through it. Find out who put it there, and move it away.`,
  );

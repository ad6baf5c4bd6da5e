import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
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
 * Works in a folder below `root` into which no link leads: executors may write there, so a link could lead an
 * operator's hand to any file. Each folder on the way is opened inside the one before it, which nobody can exchange
 * meanwhile; where the system has no such way (it is not Linux) each is looked at first. Gives null when there is no
 * such folder.
 * @throws KillSwitchError CORRUPT: a link, or no folder, is in its place, or a folder of somebody who could remove from
 * it what others report
 */
export async function inFolder<T>(
  root: string,
  path: string,
  work: (folder: OpenFolder) => Promise<T>,
): Promise<T | null> {
  const entered = enter(root, path, 'nothing');
  if (entered) return use(entered, path, work);
  await turn(); // nothing was waited for, and whoever asks in a loop must not keep everything else from happening
  return null;
}

/**
 * The same, and makes the folder where there is none; `made` says whether it had to. Never the store's own folder:
 * where it is gone somebody has moved it away, and what is made in its place would be in the way when it comes back.
 * And only in folders of this user's own, for others would then have to trust this user: where operators own them
 * operators make them.
 * @throws KillSwitchError STORE_UNREACHABLE: there is none, and it is not this user's to make
 */
export function inFolderMade<T>(
  root: string,
  path: string,
  work: (folder: OpenFolder, made: boolean) => Promise<T>,
): Promise<T> {
  return inMade(root, path, { makes: 'own', work });
}

/**
 * Makes `executors/` and these folders below it, as an operator does: so no executor is first to make one, and may shut
 * others out of it.
 */
export async function makeFolders(root: string, folders: readonly string[]): Promise<void> {
  const missing = folders.filter((folder) => !existsSync(folder));
  if (missing.length === 0) return;
  mkdirSync(join(root, 'executors'), { recursive: true });
  for (const folder of missing) await inMade(root, folder, { makes: 'all', work: () => Promise.resolve() });
}

/** Which folders are made where there are none: in folders of this user only, or in all that let this user. */
type Makes = 'nothing' | 'own' | 'all';

async function inMade<T>(
  root: string,
  path: string,
  { makes, work }: { readonly makes: Makes; readonly work: (folder: OpenFolder, made: boolean) => Promise<T> },
): Promise<T> {
  const entered = enter(root, path, makes);
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

/**
 * So many folders from the root on belong to operators: `executors/`, one for each organization, and one for each kind
 * of report.
 */
const OF_OPERATORS = 3;

/** Synchronous: none of these calls waits for anything but the disk's index. */
function enter(root: string, path: string, makes: Makes): Entered | null {
  let made = false;
  let reached = root;
  let fd: number | null = null;
  const step = (name: string | null, mayMake: boolean): void => {
    const inside: string = fd === null ? reached : `${DESCRIPTORS}/${fd}`;
    const target: string = name === null ? inside : join(inside, name);
    const open = (): number | null => openFolder(target, name !== null);
    let next: number | null;
    try {
      next = open();
    } catch (error) {
      if (!mayMake || errnoOf(error) !== 'ENOENT') throw error;
      const isOurs = makeFolder(target);
      made ||= isOurs;
      next = open();
      if (isOurs) inherit(inside, next === null ? target : `${DESCRIPTORS}/${next}`);
    }
    if (fd !== null) closeSync(fd);
    fd = next;
    if (name !== null) reached = join(reached, name);
  };
  const owner = (): number => (fd === null ? statSync(reached) : fstatSync(fd)).uid;
  try {
    step(null, false);
    let operator = 0;
    for (const [depth, name] of relative(root, path).split(sep).entries()) {
      step(name, makes === 'all' || (makes === 'own' && (depth >= OF_OPERATORS || isOwn(owner()))));
      if (depth === 0) operator = owner();
      else if (depth < OF_OPERATORS) checkOwner(owner(), operator, { root, reached });
    }
    return { fd, made };
  } catch (error) {
    if (fd !== null) closeSync(fd);
    const errno = errnoOf(error);
    if (errno === 'ENOENT' && makes === 'nothing') return null;
    if (errno === 'ENOENT') throw notThere(reached === root ? join(root, 'executors') : path);
    if (errno === 'ELOOP' || errno === 'ENOTDIR') throw noFolder(path);
    throw fileError(error, makes === 'nothing' ? 'read' : 'written', path);
  }
}

/**
 * Whoever owns a folder may remove from it what others report there, or shut them out. So it must be root's, an
 * operator's (who owns `executors/`, or made the organization's log) or this user's own: else whoever was first to make
 * it could hide what others have seen.
 */
function checkOwner(owner: number, operator: number, { root, reached }: { root: string; reached: string }): void {
  if (owner === 0 || owner === operator || owner === process.geteuid?.()) return;
  const [, organization = ''] = relative(root, reached).split(sep);
  if (owner === ownerOf(join(root, 'control', organization))) return;
  throw new KillSwitchError(
    'CORRUPT',
    `${reached} belongs to uid ${owner}, who is no operator of this store, and who owns a folder can remove what others report in it. Find out who made it, and give it to uid ${operator}, who owns the folder ${join(root, 'executors')} (chown ${operator}).`,
  );
}

function isOwn(owner: number): boolean {
  const user = process.geteuid?.() ?? 0;
  return user === 0 || owner === user;
}

function ownerOf(path: string): number | null {
  try {
    return statSync(path).uid;
  } catch {
    return null;
  }
}

/** @throws an error with the code ENOTDIR or ELOOP for whatever is no folder of its own */
function openFolder(path: string, below: boolean): number | null {
  if (byDescriptor) return openSync(path, PATH_ONLY | constants.O_DIRECTORY | (below ? constants.O_NOFOLLOW : 0));
  if (below && !lstatSync(path).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
  return null;
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false; // somebody else has just made it
    throw error;
  }
}

/**
 * Who may write in a folder may write in those below it, whoever was first to make one: its mode is its parent's (the
 * sticky and the setgid bit too), not what the maker's umask leaves of it, and so is its group, and its owner where
 * root makes it.
 */
function inherit(parent: string, folder: string): void {
  const [wanted, found] = [statSync(parent), statSync(folder)];
  const uid = process.geteuid?.() === 0 ? wanted.uid : found.uid;
  try {
    if (uid !== found.uid || wanted.gid !== found.gid) chownSync(folder, uid, wanted.gid); // this ends the setgid bit
  } catch {
    // A user who is not in that group.
  }
  try {
    if (wanted.mode !== statSync(folder).mode) chmodSync(folder, wanted.mode & 0o7777);
  } catch {
    // A file system without modes; whoever made it can write in it all the same.
  }
}

/** @param path the folder, or the one above it that is missing */
export const notThere = (path: string): KillSwitchError =>
  new KillSwitchError(
    'STORE_UNREACHABLE',
    `${path} is not there, so nothing can be reported in it. If the store was moved away, move it back; else the next change by an operator makes it.`,
  );

const noFolder = (path: string): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is not a folder of its own: there is a link or a file where a folder belongs, in its place or on the way to it. Nothing was read or removed through it. Find out who put it there, and move it away.`,
  );

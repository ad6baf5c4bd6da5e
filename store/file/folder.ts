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
import { nearbyAdvice } from './nearby.ts';

/** A folder below a store's root, while it is open. */
export interface OpenFolder {
  /** Where it is, for people. */
  readonly path: string;
  /** A path that leads to this very folder, even after it was renamed. */
  readonly self: string;
  /** The path of one name in it; only that name itself may be a link. */
  at(name: string): string;
}

/** On Linux a path through this folder leads to an open descriptor, whatever has become of its name since. */
const DESCRIPTORS = '/proc/self/fd';
const byDescriptor = process.platform === 'linux' && existsSync(DESCRIPTORS);

/** Opens a folder without the right to list it (O_PATH, which Node does not name). */
const PATH_ONLY = 0o10000000;

/**
 * Works in a folder below `root` and follows no link on the way: executors may write there, and a link could lead an
 * operator's process to any file. On Linux each folder is opened inside the one before it, which nobody can exchange
 * meanwhile; elsewhere each one is looked at first. Resolves to null when there is no such folder.
 * @throws KillSwitchError CORRUPT: a link or a file is in its place, or the folder of a user who is no operator and
 * could remove what others report in it
 */
export async function inFolder<T>(
  root: string,
  path: string,
  work: (folder: OpenFolder) => Promise<T>,
): Promise<T | null> {
  const entered = enter(root, path, 'nothing');
  if (entered) return use(entered, path, work);
  await turn(); // all of this was synchronous: a loop of such calls must not block the event loop
  return null;
}

/**
 * The same, but makes the folder where there is none; `made` says whether it had to. It never makes the store's own
 * folder: that was moved away, and a new one would be in the way when it comes back. And it makes folders only inside
 * this user's own, since other users would have to trust this one: operators make those inside theirs.
 * @throws KillSwitchError STORE_UNREACHABLE: there is none, and this user may not make it
 */
export function inFolderMade<T>(
  root: string,
  path: string,
  work: (folder: OpenFolder, made: boolean) => Promise<T>,
): Promise<T> {
  return inMade(root, path, { makes: 'own', work });
}

/** A folder of which the loss would let something happen twice, and the file that says that operators have made it. */
export interface KeptFolder {
  readonly root: string;
  readonly path: string;
  readonly made: string;
}

/**
 * The same for a folder that keeps what must not happen twice. Once operators have made it, nobody else does: one that
 * was removed would be begun anew without anybody's word. A switch that an older version has begun has none yet.
 * @throws KillSwitchError STORE_UNREACHABLE
 */
export async function inKeptFolder<T>(kept: KeptFolder, work: (folder: OpenFolder) => Promise<T>): Promise<T> {
  const { root, path } = kept;
  const found = await inFolder(root, path, async (folder) => ({ value: await work(folder) }));
  if (found) return found.value;
  checkNotLost(kept);
  return inFolderMade(root, path, work);
}

/** For a folder that is not there. @throws KillSwitchError STORE_UNREACHABLE where it was */
export function checkNotLost({ path, made }: Pick<KeptFolder, 'path' | 'made'>): void {
  if (existsSync(made)) throw lost(path);
}

/**
 * Makes `executors/` and these folders below it, as operators do: an executor that made one first could shut others out
 * of it.
 */
export async function makeFolders(root: string, folders: readonly string[]): Promise<void> {
  const missing = folders.filter((folder) => !existsSync(folder));
  if (missing.length === 0) return;
  mkdirSync(join(root, 'executors'), { recursive: true });
  for (const folder of missing) await inMade(root, folder, { makes: 'all', work: () => Promise.resolve() });
}

/** Where missing folders are made: nowhere, inside this user's own folders, or wherever this user may. */
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
  /** The open folder's descriptor; null on systems where its path is used instead. */
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
 * How many levels of folders below the root belong to operators: `executors/`, one for each organization, one for each
 * kind of report.
 */
const OF_OPERATORS = 3;

/** Opens the folders from `root` to `path`, one inside the other. Synchronous, since it needs only metadata. */
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
 * The owner of a folder may remove what others report in it, or shut them out. So the owner must be root, an operator
 * (who owns `executors/` or the organization's control folder), or this user: else the user who made it first could
 * hide what others have seen.
 */
function checkOwner(owner: number, operator: number, { root, reached }: { root: string; reached: string }): void {
  if (owner === 0 || owner === operator || owner === process.geteuid?.()) return;
  const [, organization = ''] = relative(root, reached).split(sep);
  if (owner === ownerOf(join(root, 'control', organization))) return;
  throw new KillSwitchError(
    'CORRUPT',
    `${reached} belongs to uid ${owner}, who is no operator of this store and could remove what others report in it. Find out who made it, and give it to uid ${operator}, the owner of ${join(root, 'executors')} (chown ${operator}).`,
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

/** @throws an error with the code ENOTDIR or ELOOP where there is a link or a file */
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
 * Gives a new folder the mode of its parent (with the sticky and setgid bits), whatever the umask is, the parent's
 * group, and the parent's owner where root made it: users who may write in the parent may then write in it, whoever
 * made it.
 */
function inherit(parent: string, folder: string): void {
  const [wanted, found] = [statSync(parent), statSync(folder)];
  const uid = process.geteuid?.() === 0 ? wanted.uid : found.uid;
  try {
    if (uid !== found.uid || wanted.gid !== found.gid) chownSync(folder, uid, wanted.gid); // this ends the setgid bit
  } catch {
    // This user is not in that group.
  }
  try {
    if (wanted.mode !== statSync(folder).mode) chmodSync(folder, wanted.mode & 0o7777);
  } catch {
    // The file system has no modes; this user can write in it all the same.
  }
}

/** @param path the folder, or a missing one above it */
export function notThere(path: string): KillSwitchError {
  const nearby = nearbyAdvice(path.split(`${sep}executors`)[0] ?? path);
  const advice =
    nearby === ''
      ? 'If the store was moved away, move it back; if there never was one, an operator creates it (kill-switch init); else the next change by an operator makes the folder.'
      : `But ${nearby}.`;
  return new KillSwitchError('STORE_UNREACHABLE', `${path} is not there, so nothing can be reported in it. ${advice}`);
}

/** What was recorded there would be forgotten, so nobody goes on without it. */
export const lost = (path: string): KillSwitchError =>
  new KillSwitchError(
    'STORE_UNREACHABLE',
    `${path} is gone, with what was recorded in it, and nothing may happen a second time because of that. If it was moved away, move it back; else the next change by an operator makes it anew, and what was recorded there counts no longer.`,
  );

const noFolder = (path: string): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is not a folder of its own: there is a link or a file where a folder belongs, in its place or on the way to it. Nothing was read or removed through it. Find out who put it there, and move it away.`,
  );

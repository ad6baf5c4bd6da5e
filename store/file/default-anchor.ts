import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { AnchorKeeper, Remembered } from '../capabilities/anchors.ts';
import { isThere, whyNotOwn, whyNotPrivate, whyNotWritable } from './own-folder.ts';
import { fileName, type FilePaths, idOfFileName } from './paths.ts';

/** The store, the organization and the executor that an anchor is for. */
export interface AnchorPlace {
  readonly root: string;
  readonly organizationId: string;
  readonly executorName: string;
}

/** The folder in which this user's programs keep state; null for a user without a home. */
function stateFolder(): string | null {
  const { XDG_STATE_HOME: state, LOCALAPPDATA: local } = process.env;
  if (state !== undefined && isAbsolute(state)) return state; // the XDG specification: a relative path is ignored
  if (process.platform === 'win32' && local !== undefined && isAbsolute(local)) return local;
  try {
    const home = homedir();
    return isAbsolute(home) ? join(home, '.local', 'state') : null;
  } catch {
    return null; // a user without an entry, as in many containers
  }
}

/**
 * A file name for the three together: the executor's name, and a hash that differs between stores and organizations.
 */
function nameOf({ root, organizationId, executorName }: AnchorPlace): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([root, organizationId, executorName]), 'utf8')
    .digest('hex');
  return `${fileName(executorName).slice(0, 100)}.${hash}.json`;
}

const folderIn = (state: string): string => join(state, 'openfeature-kill-switch');

/** A file that may be an executor's anchor, if its folders are safe. */
interface Place {
  readonly file: string;
  readonly folder: string;
  /** The folders above that must be safe as well. */
  readonly above: readonly string[];
}

function inState(place: AnchorPlace): Place | null {
  const state = stateFolder();
  if (state === null) return null;
  const folder = folderIn(state);
  return { file: join(folder, nameOf(place)), folder, above: [] };
}

/**
 * Inside the store, for a user without a state directory. Each user has a file of their own, so that one that root made
 * is in nobody's way.
 */
function inStore({ anchors, executors, reported, root }: FilePaths, executorName: string): Place | null {
  if (!existsSync(executors)) return null; // operators make it
  const file = join(anchors, `${fileName(executorName)}.${process.geteuid?.() ?? 0}.json`);
  return { file, folder: anchors, above: [root, reported, executors] };
}

const whyUnsafe = ({ folder, above }: Place): string | null =>
  [...above, folder].map(whyNotPrivate).find((why) => why !== null) ?? null;

/** An anchor in a file that must be this user's own. */
function ownAnchor(file: string): AnchorKeeper {
  const keeper = fileAnchor(file);
  return {
    location: file,
    read() {
      const why = whyNotOwn(file);
      if (why !== null) throw new KillSwitchError('STORE_UNREACHABLE', `The anchor file cannot be believed: ${why}.`);
      return keeper.read();
    },
    write: (anchor) => keeper.write(anchor),
  };
}

/** How many names are looked at. */
const MOST_NAMES = 10_000;

/**
 * The heads in this store that this user's executors have kept in their default anchors: all that is left on this
 * machine when the store's folder was removed. Executors with long names are not found; anchors that cannot be read, or
 * that another user may have put there, do not count.
 */
export function rememberedOf({ root, organizationId }: Omit<AnchorPlace, 'executorName'>): readonly Remembered[] {
  const state = stateFolder();
  if (state === null || whyNotPrivate(folderIn(state)) !== null) return [];
  const folder = folderIn(state);
  return namesIn(folder).flatMap((name) => {
    const executorName = idOfFileName(name.slice(0, Math.max(0, name.indexOf('.'))));
    try {
      if (nameOf({ root, organizationId, executorName }) !== name) return [];
      const anchor = ownAnchor(join(folder, name)).read();
      return anchor ? [{ name: executorName, held: anchor.head }] : [];
    } catch {
      return [];
    }
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).slice(0, MOST_NAMES);
  } catch {
    return [];
  }
}

/**
 * The anchor of an executor that was given none. It is in the state directory of the user, because an anchor inside the
 * store's folder would be restored together with the store. Where that directory cannot be written, it is inside the
 * store, if nobody else may write there: others could put a false anchor there, which would stop everyone in this
 * executor's name. Where neither is safe, no anchor is kept, and the error says what to do. Once chosen the place
 * stays, also when it can no longer be read or written.
 */
export function defaultAnchor(place: AnchorPlace, paths: FilePaths): AnchorKeeper {
  let chosen: AnchorKeeper | null = null;
  let problems: string[] = [];
  const choose = (): AnchorKeeper | null => {
    if (chosen) return chosen;
    problems = [];
    for (const each of [inState(place), inStore(paths, place.executorName)]) {
      if (each === null) continue;
      const problem = whyUnsafe(each) ?? (isThere(each.file) ? null : whyNotWritable(each.folder));
      if (problem === null) return (chosen = ownAnchor(each.file));
      problems.push(problem);
    }
    return null;
  };
  return {
    get location() {
      return chosen?.location;
    },
    read: () => choose()?.read() ?? null,
    write(anchor) {
      const keeper = choose();
      if (!keeper) throw noPlace(problems);
      keeper.write(anchor);
    },
  };
}

const noPlace = (problems: readonly string[]): KillSwitchError =>
  new KillSwitchError(
    'STORE_READ_ONLY',
    `no folder is safe for its anchor: ${problems.join('; ') || 'this user has no home'}. Give this executor a file for it, in a folder that outlives it ` +
      'and in which nobody else may write (the option `anchor`); or give this user such a folder (XDG_STATE_HOME)',
  );

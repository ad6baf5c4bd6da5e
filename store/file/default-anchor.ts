import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { AnchorKeeper, Remembered } from '../ports.ts';
import { isThere, whyNotOwn, whyNotPrivate, whyNotWritable } from './own-folder.ts';
import { fileName, type FilePaths, idOfFileName } from './paths.ts';

/** Whose anchor it is. */
export interface AnchorPlace {
  readonly root: string;
  readonly organizationId: string;
  readonly executorName: string;
}

/** Where this user's programs keep what outlives them; null without a home. */
function stateFolder(): string | null {
  const { XDG_STATE_HOME: state, LOCALAPPDATA: local } = process.env;
  if (state !== undefined && isAbsolute(state)) return state; // the specification: a relative one is ignored
  if (process.platform === 'win32' && local !== undefined && isAbsolute(local)) return local;
  try {
    const home = homedir();
    return isAbsolute(home) ? join(home, '.local', 'state') : null;
  } catch {
    return null; // a user without an entry, as in many containers
  }
}

/** A name for the three together: the executor's, and a hash that tells stores and organizations apart. */
function nameOf({ root, organizationId, executorName }: AnchorPlace): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([root, organizationId, executorName]), 'utf8')
    .digest('hex');
  return `${fileName(executorName).slice(0, 100)}.${hash}.json`;
}

const folderIn = (state: string): string => join(state, 'openfeature-kill-switch');

/** A file in which this user's executors may keep an anchor, where it is safe. */
interface Place {
  readonly file: string;
  readonly folder: string;
  /** The folders above it that are looked at as closely. */
  readonly above: readonly string[];
}

function inState(place: AnchorPlace): Place | null {
  const state = stateFolder();
  if (state === null) return null;
  const folder = folderIn(state);
  return { file: join(folder, nameOf(place)), folder, above: [] };
}

/** For a user who has no state directory. Each user has a file of their own, so that root is in nobody's way. */
function inStore({ anchors, executors, reported, root }: FilePaths, executorName: string): Place | null {
  if (!existsSync(executors)) return null; // operators make it
  const file = join(anchors, `${fileName(executorName)}.${process.geteuid?.() ?? 0}.json`);
  return { file, folder: anchors, above: [root, reported, executors] };
}

const whyUnsafe = ({ folder, above }: Place): string | null =>
  [...above, folder].map(whyNotPrivate).find((why) => why !== null) ?? null;

/** An anchor that only this user can have written. */
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

/** So many names are looked through. */
const MOST_NAMES = 10_000;

/**
 * What executors of this user that were given no anchor remember of a store: all that is left of it on this machine
 * when its folder was removed. Those with long names are not found, nor what cannot be read, nor what somebody else may
 * have put there.
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
 * The anchor of an executor that was given none: in the state directory of its user, because one inside the store's
 * folder would be restored together with it. Where that cannot be written, inside the store, if nobody else may write
 * there: what others can put there would be believed under this executor's own name, and would stop everyone. Where
 * there is no such place it cannot be kept, and the executor says what to do. Once it has a place it stays there, also
 * when it can no longer be read or written.
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
    `there is no place for it that is this user's alone: ${problems.join('; ') || 'this user has no home'}. Give this executor a file for it, in a folder that outlives it ` +
      'and in which nobody else may write (the option `anchor`), or this user such a folder (XDG_STATE_HOME)',
  );

import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { isKillSwitchError } from '../../flags/index.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { AnchorKeeper, Remembered } from '../ports.ts';
import { fileName, idOfFileName } from './paths.ts';

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

/** So many names are looked through. */
const MOST_NAMES = 10_000;

/**
 * What executors of this user that were given no anchor remember of a store: all that is left of it on this machine when its folder was removed. Those with long
 * names are not found, nor what cannot be read.
 */
export function rememberedOf({ root, organizationId }: Omit<AnchorPlace, 'executorName'>): readonly Remembered[] {
  const state = stateFolder();
  if (state === null) return [];
  const folder = folderIn(state);
  return namesIn(folder).flatMap((name) => {
    const executorName = idOfFileName(name.slice(0, Math.max(0, name.indexOf('.'))));
    try {
      if (nameOf({ root, organizationId, executorName }) !== name) return [];
      const anchor = fileAnchor(join(folder, name)).read();
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

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The anchor of an executor that was given none: in the state directory of its user, because one inside the store's folder would be restored together
 * with it. `inStore` is where older versions kept it: that one is read as the start while there is none in the new place, and it stays the place where
 * the user has no home to write to. Once there is one in the new place only that one counts, also when it can no longer be read or written.
 */
export function defaultAnchor(place: AnchorPlace, inStore: string): AnchorKeeper {
  const state = stateFolder();
  const old = fileAnchor(inStore);
  if (state === null) return old;
  const own = fileAnchor(join(folderIn(state), nameOf(place)));
  const folder = dirname(own.location ?? '');
  let isChosen = false;
  let last = own; // where what it holds came from
  const choose = (): AnchorKeeper => {
    if (isChosen) return own;
    try {
      isChosen = own.read() !== null;
    } catch (error) {
      // What is there and cannot be read is not the same as none; a home that is no folder can hold none.
      isChosen = isKillSwitchError(error) && isWritable(folder);
    }
    return isChosen || isWritable(folder) ? own : old;
  };
  return {
    get location() {
      return last.location;
    },
    read() {
      last = choose();
      const anchor = last.read();
      if (anchor !== null || last === old) return anchor;
      const before = old.read();
      if (before !== null) last = old;
      return before;
    },
    write(anchor) {
      const keeper = choose();
      keeper.write(anchor);
      last = keeper;
      isChosen ||= keeper === own;
    },
  };
}

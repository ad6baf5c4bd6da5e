import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import {
  type Anchor,
  anchorSchema,
  invalid,
  isKillSwitchError,
  KillSwitchError,
  messageOf,
  systemCode,
  UNKNOWN,
  unknownMembers,
  unknownParts,
} from '../flags/index.ts';
import { checkReplaceable, isNewer } from './anchors.ts';
import { removeIfThere, removeLeftBehind } from './left-behind.ts';
import type { AnchorKeeper } from './capabilities/anchors.ts';

// undefined on Windows for the last two, which counts as 0
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const LARGEST = 1024 * 1024;
const TRIES = 3;

/**
 * Keeps an executor's last head in a file, over restarts. The first write makes the folder. Several executors may share
 * one file: each reads a whole anchor, and an older head never replaces a newer one. `read` throws KillSwitchError
 * CORRUPT or STORE_UNREACHABLE when there is a file that cannot be read or understood: that is not the same as no file.
 * When `write` returns, the anchor is on the disk. It throws STORE_READ_ONLY where it cannot be written, ANCHOR_FOREIGN
 * where the file holds the anchor of another control plane. Both throw UNKNOWN_ENTRY where a newer version wrote it.
 * The file then stays as it was.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function fileAnchor(path: string): AnchorKeeper {
  if (typeof path !== 'string' || path === '') throw invalid('The anchor must be the path of a file.');
  const file = resolve(path); // a later change of the working directory must not lose it
  let tidied = false;
  return {
    location: file,
    read: () => read(file),
    write(anchor) {
      for (let tries = 1; ; tries += 1) {
        const temporary = `${file}.${randomBytes(12).toString('hex')}.tmp`;
        try {
          writeNew(temporary, anchor);
          if (!tidied) removeLeftBehind(temporary, isTemporaryOf(file));
          tidied = true;
          replace(file, temporary, anchor);
          return;
        } catch (error) {
          removeIfThere(temporary);
          if (isKillSwitchError(error)) throw error;
          // this process was held up so long that another one removed the file as left behind
          if (isAbsent(error) && tries < TRIES) continue;
          throw new KillSwitchError(
            'STORE_READ_ONLY',
            `The anchor file ${file} cannot be written: ${messageOf(error)}.`,
            { cause: error },
          );
        }
      }
    },
  };
}

function read(file: string): Anchor | null {
  const text = readText(file);
  if (text === null) return null;
  try {
    const { success, data, error } = anchorSchema.safeParse(JSON.parse(text));
    if (success) return data;
    if (unknownMembers(error) === null) throw error;
    const what = `The anchor file ${file} has ${unknownParts(error)}, which ${UNKNOWN}`;
    throw new KillSwitchError('UNKNOWN_ENTRY', what, { cause: error });
  } catch (error) {
    if (isKillSwitchError(error)) throw error;
    throw new KillSwitchError('CORRUPT', `The anchor file ${file} does not hold the last head that was seen.`, {
      cause: error,
    });
  }
}

function readText(file: string): string | null {
  try {
    return withFile(file, O_RDONLY | O_NONBLOCK, (fd) => {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw new Error('it is no regular file');
      if (stats.size > LARGEST) throw new Error(`it has ${stats.size} bytes, and an anchor at most ${LARGEST}`);
      return readFileSync(fd, 'utf8');
    });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw new KillSwitchError('STORE_UNREACHABLE', `The anchor file ${file} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

function writeNew(temporary: string, anchor: Anchor): void {
  mkdirSync(dirname(temporary), { recursive: true });
  withFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, (fd) => {
    writeFileSync(fd, JSON.stringify(anchor));
    fsyncSync(fd);
  });
}

/**
 * The file is synced before the rename, and the folder after it: the anchor must survive a power failure in which the
 * store loses changes.
 *
 * Between the comparison and the rename another executor that shares the file may put a newer head there, which this
 * one then replaces. That takes two writes within the same microseconds, and lasts only until the store pushes the
 * newer event to this executor too.
 */
function replace(file: string, temporary: string, anchor: Anchor): void {
  const kept = keptAt(file);
  if (kept) checkReplaceable(kept, anchor, file);
  if (kept && isNewer(kept, anchor)) unlinkSync(temporary);
  else renameSync(temporary, file);
  // Windows cannot open a folder to sync it.
  if (process.platform !== 'win32') withFile(dirname(file), O_RDONLY, fsyncSync);
}

/**
 * The anchor that the file holds; null where it is damaged or no file. Then there is nothing to preserve, and the
 * rename fails if it cannot be replaced.
 * @throws KillSwitchError UNKNOWN_ENTRY for the anchor of a newer version, which may have seen more
 */
function keptAt(file: string): Anchor | null {
  try {
    return read(file);
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'UNKNOWN_ENTRY') throw error;
    return null;
  }
}

const isTemporaryOf =
  (file: string) =>
  (name: string): boolean => {
    const prefix = `${basename(file)}.`;
    return name.startsWith(prefix) && /^([0-9a-f]{24}|\d+)\.tmp$/.test(name.slice(prefix.length));
  };

const isAbsent = (error: unknown): boolean => systemCode(error) === 'ENOENT';

function withFile<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o600);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

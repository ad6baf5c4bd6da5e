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
import { type Anchor, anchorSchema, invalid, isKillSwitchError, KillSwitchError, messageOf } from '../flags/index.ts';
import { checkReplaceable, isNewer } from './anchors.ts';
import { removeIfThere, removeLeftBehind } from './left-behind.ts';
import type { AnchorKeeper } from './ports.ts';

// Windows lacks the last two, which counts as 0
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const LARGEST = 1024 * 1024;
const TRIES = 3;

/**
 * Keeps an executor's last head in a file, over restarts. The folder is made with the first write. Several executors
 * may share one file: each sees what is whole, and a head that one of them has kept is not replaced by an older one.
 * `read` throws KillSwitchError CORRUPT or STORE_UNREACHABLE when there is a file that cannot be read or understood:
 * that is not the same as none. `write` is on the disk when it returns, and throws STORE_READ_ONLY when it is not,
 * ANCHOR_FOREIGN when another control plane's is there; what was there before then stays.
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
          // held up for so long that another has removed it as left behind
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
    return anchorSchema.parse(JSON.parse(text));
  } catch (error) {
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
 * Synced before and after the rename: what an executor acted on must outlive a power failure that the store survives
 * less well.
 *
 * Between the comparison and the rename another executor may put a newer head there, which this one then replaces. That
 * takes two that share the file and write in the same microseconds, and it lasts only until this one is told of the
 * newer event itself, by the same store that told the other.
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
 * What is there is damaged or no file: then there is nothing to preserve, and the rename says whether it can be
 * replaced.
 */
function keptAt(file: string): Anchor | null {
  try {
    return read(file);
  } catch {
    return null;
  }
}

const isTemporaryOf =
  (file: string) =>
  (name: string): boolean => {
    const prefix = `${basename(file)}.`;
    return name.startsWith(prefix) && /^([0-9a-f]{24}|\d+)\.tmp$/.test(name.slice(prefix.length));
  };

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function withFile<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o600);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

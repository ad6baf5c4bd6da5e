import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Anchor, anchorSchema, invalid, KillSwitchError, messageOf } from '../flags/index.ts';
import type { AnchorKeeper } from './ports.ts';

/**
 * Keeps an executor's last head in a file of its own, over restarts. The folder is made with the first write.
 * `read` throws KillSwitchError CORRUPT or STORE_UNREACHABLE when there is a file that cannot be read or understood: that is not the same as none.
 * `write` is on the disk when it returns, and throws STORE_READ_ONLY when it is not; what was there before then stays.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function fileAnchor(path: string): AnchorKeeper {
  if (typeof path !== 'string' || path === '') throw invalid('The anchor must be the path of a file.');
  const file = resolve(path); // a later change of the working directory must not lose it
  return {
    read() {
      const text = readText(file);
      if (text === null) return null;
      try {
        return anchorSchema.parse(JSON.parse(text));
      } catch (error) {
        throw new KillSwitchError('CORRUPT', `The anchor file ${file} does not hold the last head that was seen.`, {
          cause: error,
        });
      }
    },
    write(anchor) {
      const temporary = `${file}.${process.pid}.tmp`; // another process's half-written one is never renamed
      try {
        replace(file, temporary, anchor);
      } catch (error) {
        try {
          unlinkSync(temporary);
        } catch {
          // It may never have been there; what went wrong is told below.
        }
        throw new KillSwitchError(
          'STORE_READ_ONLY',
          `The anchor file ${file} cannot be written: ${messageOf(error)}.`,
          {
            cause: error,
          },
        );
      }
    },
  };
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KillSwitchError('STORE_UNREACHABLE', `The anchor file ${file} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Synced before and after the rename: what an executor acted on must outlive a power failure that the store survives less well. */
function replace(file: string, temporary: string, anchor: Anchor): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  synced(temporary, 'w', (fd) => writeSync(fd, JSON.stringify(anchor)));
  renameSync(temporary, file);
  if (process.platform !== 'win32') synced(folder, 'r', () => {}); // Windows cannot open a folder to sync it
}

function synced(path: string, flags: 'r' | 'w', work: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600);
  try {
    work(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

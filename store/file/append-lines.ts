import { closeSync, constants, fdatasync, fstatSync, mkdirSync, openSync, readSync, write } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { LONGEST_LINE } from './read-lines.ts';
import { SPOILED } from './torn-line.ts';

const END = 0x0a;

/**
 * With this each write is on the disk when it returns, in one turn in place of two. On macOS it would not reach the
 * disk itself, and Windows does not have it: there the file is synced.
 */
const SYNCED = process.platform === 'linux' ? constants.O_DSYNC : 0;

/** Resolves to how many of the bytes were written. */
const writeAtEnd = (file: number, bytes: Buffer): Promise<number> =>
  new Promise((resolve, reject) => {
    write(file, bytes, 0, bytes.length, null, (error, count) => (error ? reject(error) : resolve(count)));
  });

const sync = (file: number): Promise<void> =>
  new Promise((resolve, reject) => {
    fdatasync(file, (error) => (error ? reject(error) : resolve()));
  });

/**
 * Appends lines to the log; they are on the disk when it resolves. One write, so that lines of several writers never
 * mix; the system puts it at the end, whatever others have written since. Where the file does not end in a line end, a
 * write was cut there (a full disk, a writer that died), and its writer got an error. That line is spoiled before it is
 * ended: all of it but the end may be there, and a change that failed must not take effect when another writer ends its
 * line. Only what waits for the disk is asynchronous: each other step would cost a turn of the event loop, and a kill
 * should wait for as few as possible.
 * @throws KillSwitchError STORE_READ_ONLY (nothing was written), STORE_UNREACHABLE (it is not known whether anything
 * was)
 */
export async function appendLines(path: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const length = Buffer.byteLength(text);
    if (length + 2 > LONGEST_LINE) {
      throw new KillSwitchError(
        'INVALID_ARGUMENT',
        `This change has ${length} bytes, and a file store takes at most ${LONGEST_LINE}.`,
      );
    }
  }
  const lines = Buffer.from(`${SPOILED}\n${texts.join('\n')}\n`, 'utf8');
  let file: number | null = null;
  try {
    file = openForAppending(path);
    const bytes = endsInMidLine(file) ? lines : lines.subarray(SPOILED.length + 1);
    const count = await writeAtEnd(file, bytes);
    if (count < bytes.length) throw cutShort(path, count, bytes.length);
    if (SYNCED === 0) await sync(file);
  } catch (error) {
    throw fileError(error, 'written', path);
  } finally {
    if (file !== null) closeSync(file);
  }
}

function openForAppending(path: string): number {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | SYNCED;
  try {
    return openSync(path, flags);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, flags);
  }
}

function endsInMidLine(file: number): boolean {
  const { size } = fstatSync(file);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last[0] !== END;
}

const cutShort = (path: string, written: number, length: number): KillSwitchError =>
  new KillSwitchError(
    'STORE_UNREACHABLE',
    `Only ${written} of ${length} bytes could be written to ${path}: the disk is probably full. Free some space and repeat the change, which then ends the cut line.`,
  );

/**
 * Syncs the folders, from this one up to the one above `root`: until then a power failure could lose the log's name,
 * and so the log.
 */
export async function syncFolders(folder: string, root: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder to sync it
  const above = dirname(root);
  for (let path = folder; ; path = dirname(path)) {
    try {
      const handle = await open(path, constants.O_RDONLY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      // This user may be unable to read the folder above `root`. Then another user, or an earlier process, has made
      // `root`.
      if (path !== above || errnoOf(error) !== 'EACCES') throw fileError(error, 'written', path);
    }
    if (path === above || path === dirname(path)) return;
  }
}

import { type BigIntStats, closeSync, constants, fstatSync, openSync, read } from 'node:fs';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf } from './file-errors.ts';

/**
 * A file that is open for reading. Only `read` is asynchronous; what needs only metadata is done at once. In a busy
 * process each turn of the event loop that a confirmation waits for makes it older.
 */
export class OpenedFile {
  readonly #fd: number;
  #reading = 0;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  stats(): BigIntStats {
    return fstatSync(this.#fd, { bigint: true });
  }

  /**
   * Reads into the buffer from `at` on what the file holds from `position` on. Resolves to the number of bytes: 0 at
   * the end of the file.
   */
  async read(buffer: Buffer, at: number, position: number): Promise<number> {
    this.#reading += 1;
    try {
      return await new Promise((resolve, reject) => {
        read(this.#fd, buffer, at, buffer.length - at, position, (error, bytes) =>
          error ? reject(error) : resolve(bytes),
        );
      });
    } finally {
      this.#reading -= 1;
      if (this.#closed) this.#release();
    }
  }

  /**
   * Also while it is being read for a caller that has given up: the descriptor is closed only after that, so that the
   * system does not reuse its number before.
   */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    if (this.#reading === 0) closeSync(this.#fd);
  }
}

/**
 * Opens a file for reading; null when there is none. Never waits, even where a pipe is in its place.
 * @throws KillSwitchError CORRUPT
 */
export function openFile(path: string): OpenedFile | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  const file = new OpenedFile(fd);
  try {
    if (file.stats().isFile()) return file;
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  throw new KillSwitchError('CORRUPT', 'It is not a file but something else.');
}

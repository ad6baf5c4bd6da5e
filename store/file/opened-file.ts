import { type BigIntStats, closeSync, constants, fstatSync, openSync, read } from 'node:fs';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf } from './file-errors.ts';

/**
 * A file that is open for reading. Only `read` waits for the disk, and gives the event loop a turn; what needs the
 * disk's index alone is done at once. In a process whose turns are long, each one that a confirmation waits for makes
 * it older.
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
   * Fills the buffer from `at` on with what stands in the file from `position` on. Resolves to how many bytes that
   * were: 0 at the end of the file, else one or more.
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

  /** Also while it is being read, by somebody who waits no longer: its number is not given away before that is over. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    if (this.#reading === 0) closeSync(this.#fd);
  }
}

/**
 * A file for reading, or null when there is none. Never waits, as a pipe in its place would make it.
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

import { constants, fchmodSync, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { KillSwitchError } from '../../flags/index.ts';
import { fileError } from './file-errors.ts';
import { inKeptFolder, type OpenFolder } from './folder.ts';
import { type JournalFile, type JournalFiles, ROTATE_BYTES } from './journal-files.ts';
import { FOR_ALL, isOwn } from './kept.ts';
import { LINES } from './own-lines.ts';
import { fileName, type FilePaths } from './paths.ts';
import { randomName } from './report-names.ts';

/** What a file must still be when something was written to it: under its own name, nobody is removing it. */
const isOpenFor = ({ name, owner }: JournalFile): boolean => name.endsWith(LINES) && isOwn(owner);

/** How long nothing is written before the file is closed, in milliseconds. */
const IDLE_MS = 100;

interface Opened {
  readonly handle: FileHandle;
  readonly identity: string;
  readonly name: string;
}

/**
 * Appends the lines of executors of one name, who share one file of their user: whoever starts anew goes on in it. It
 * stays open while calls come one after the other, and after each write is looked for under its name, since an operator
 * may have removed it. Once nothing is written any more it is closed: a file that is open keeps its disk from being
 * made read-only.
 */
export class JournalWriter {
  readonly #paths: Pick<FilePaths, 'root' | 'journal' | 'made'>;
  readonly #name: string;
  readonly #files: JournalFiles;
  #open: Opened | null = null;
  #idle: NodeJS.Timeout | undefined;

  constructor(paths: Pick<FilePaths, 'root' | 'journal' | 'made'>, executorName: string, files: JournalFiles) {
    this.#paths = paths;
    this.#name = executorName;
    this.#files = files;
  }

  /**
   * Writes lines with one write, so that lines of several processes never mix. They are in the file, and not yet on the
   * disk, when it resolves. The first line is empty: what was cut before it is ended there.
   * @throws KillSwitchError STORE_READ_ONLY, STORE_UNREACHABLE
   */
  async write(texts: readonly string[]): Promise<void> {
    clearTimeout(this.#idle);
    const handle = await this.#handle();
    const bytes = Buffer.from(`\n${texts.join('\n')}\n`, 'utf8');
    try {
      const { bytesWritten } = await handle.write(bytes, 0, bytes.length, null);
      if (bytesWritten === bytes.length) return;
      throw new KillSwitchError(
        'STORE_READ_ONLY',
        `Only ${bytesWritten} of ${bytes.length} bytes could be written to ${this.#paths.journal}: the disk is probably full. Free some space.`,
      );
    } catch (error) {
      throw fileError(error, 'written', this.#paths.journal);
    }
  }

  /** Resolves when all that was written is on the disk. @throws KillSwitchError */
  async sync(): Promise<void> {
    try {
      await this.#open?.handle.datasync();
    } catch (error) {
      throw fileError(error, 'written', this.#paths.journal);
    }
  }

  /** Lets go of the file where it is too long, or is no longer there. After `advance` of the files. */
  async review(): Promise<void> {
    if (!this.#open) return;
    const { identity, name } = this.#open;
    const file = this.#files.named(name);
    if (!file || file.identity !== identity || file.offset > ROTATE_BYTES) await this.close();
  }

  /** Nothing is being written: closes the file where that stays so. */
  rest(): void {
    clearTimeout(this.#idle);
    if (this.#open) this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const opened = this.#open;
    this.#open = null;
    await opened?.handle.close().catch(() => {});
  }

  async #handle(): Promise<FileHandle> {
    if (this.#open) return this.#open.handle;
    const stem = `${fileName(this.#name)}.`;
    const own = [...this.#files.files].filter(
      (file) => file.name.startsWith(stem) && isOpenFor(file) && file.offset < ROTATE_BYTES,
    );
    this.#open = (await this.#reopened(own[0]?.name)) ?? (await this.#begun());
    return this.#open.handle;
  }

  #inFolder<T>(work: (folder: OpenFolder) => Promise<T>): Promise<T> {
    const { root, journal: path, made } = this.#paths;
    return inKeptFolder({ root, path, made }, work);
  }

  /** The file that an executor of this name has begun; null where it is gone. */
  async #reopened(name: string | undefined): Promise<Opened | null> {
    if (name === undefined) return null;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    return this.#inFolder(async (folder) => {
      const handle = await open(folder.at(name), flags).catch(() => null);
      if (!handle) return null;
      const found = fstatSync(handle.fd);
      if (found.isFile() && found.nlink === 1 && isOwn(found.uid))
        return { handle, name, identity: `${found.dev}:${found.ino}` };
      await handle.close();
      return null;
    });
  }

  async #begun(): Promise<Opened> {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const name = randomName(this.#name) + LINES;
    return this.#inFolder(async (folder) => {
      try {
        const handle = await open(folder.at(name), flags);
        fchmodSync(handle.fd, FOR_ALL); // executors of other users must see what was intended here
        const found = fstatSync(handle.fd);
        await syncFolder(folder.self); // until then a power failure could lose its name
        return { handle, name, identity: `${found.dev}:${found.ino}` };
      } catch (error) {
        throw fileError(error, 'written', `${folder.path}/${name}`);
      }
    });
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder to sync it
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

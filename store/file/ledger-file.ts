import { randomUUID } from 'node:crypto';
import { constants, fstatSync, statSync } from 'node:fs';
import { type FileHandle, link, open, readdir, unlink } from 'node:fs/promises';
import { KillSwitchError } from '../../flags/index.ts';
import type { LedgerBook } from '../ledger-book.ts';
import { errnoOf } from './file-errors.ts';
import type { OpenFolder } from './folder.ts';
import { carryLine, LedgerLines, type LineOutcome, readCarry } from './ledger-lines.ts';

const ENDING = '.jsonl';

const nameOf = (number: number): string => `${String(number).padStart(9, '0')}${ENDING}`;

const numberOf = (name: string): number => (/^\d{9}\.jsonl$/.test(name) ? Number(name.slice(0, 9)) : 0);

/** After how long a file that nobody has finished is removed. */
const UNFINISHED_MS = 600_000;

/** How much of the file before the place where reading stands must still be there. */
const KNOWN_BYTES = 4096;

const PORTION = 256 * 1024;

/** The longest file that is begun with, in bytes: what one that was closed too late can have. */
const LONGEST_FILE = 512 * 1024 * 1024;

/** One file of the ledger, as far as it was read. */
export class LedgerFile {
  readonly number: number;
  readonly path: string;
  /** How many bytes the sums have with which it begins. */
  readonly carried: number;
  readonly #handle: FileHandle;
  readonly #lines: LedgerLines;
  #offset: number;
  #known: Buffer = Buffer.alloc(0);

  private constructor(number: number, path: string, at: { handle: FileHandle; lines: LedgerLines; offset: number }) {
    this.number = number;
    this.path = path;
    this.#handle = at.handle;
    this.#lines = at.lines;
    this.#offset = at.offset;
    this.carried = at.offset;
  }

  get lines(): LedgerLines {
    return this.#lines;
  }

  /** How much of it was read, in bytes, without what it began with. */
  get length(): number {
    return this.#offset - this.carried;
  }

  /** The number of the newest file of a folder; 0 where there is none yet. */
  static async last(folder: OpenFolder): Promise<number> {
    return Math.max(0, ...(await readdir(folder.self)).map(numberOf));
  }

  /** The newest file of a folder; null where there is none yet. @throws KillSwitchError CORRUPT */
  static async newest(folder: OpenFolder): Promise<LedgerFile | null> {
    for (;;) {
      const last = await LedgerFile.last(folder);
      if (last === 0) return null;
      const file = await LedgerFile.open(folder, last).catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return null; // others have begun newer ones, and removed it
        throw error;
      });
      if (file) return file;
    }
  }

  /** @throws KillSwitchError CORRUPT where something else is in its place */
  static async open(folder: OpenFolder, number: number): Promise<LedgerFile> {
    const path = `${folder.path}/${nameOf(number)}`;
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(folder.at(nameOf(number)), flags);
    try {
      const found = await handle.stat();
      if (!found.isFile() || found.size > LONGEST_FILE) throw damaged(path, 'it is not what a ledger writes');
      const first = await firstLine(handle, found.size);
      const book = first === null ? null : readCarry(first);
      if (first === null || !book) throw damaged(path, 'it does not begin with what the files before it came to');
      const offset = Buffer.byteLength(first) + 1;
      return new LedgerFile(number, path, { handle, lines: new LedgerLines(book), offset });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Begins the file of this number, where nobody has; whoever links its name first has begun it. One that others have
   * begun, ended and removed long ago is not begun again: files are removed only once there are newer ones.
   */
  static async begin(folder: OpenFolder, number: number, book: LedgerBook): Promise<void> {
    const temporary = folder.at(`${randomUUID()}.tmp`);
    const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await handle.writeFile(`${carryLine(number - 1, book.text())}\n`);
      // Whoever may report in this folder may reserve.
      await handle.chmod(statSync(folder.self).mode & 0o666);
      await handle.sync();
      await link(temporary, folder.at(nameOf(number))).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw error;
      });
    } finally {
      await handle.close();
      await unlink(temporary).catch(() => {});
    }
    await syncFolder(folder);
    if ((await LedgerFile.last(folder)) > number + 1) await unlink(folder.at(nameOf(number))).catch(() => {});
  }

  /** Removes files that nobody needs any longer, also what a crash has left unfinished; another user's stay. */
  static async removeBefore(folder: OpenFolder, number: number): Promise<void> {
    for (const name of await readdir(folder.self)) {
      const isOld = numberOf(name) > 0 && numberOf(name) < number;
      const left = name.endsWith('.tmp') ? statSync(folder.at(name), { throwIfNoEntry: false }) : undefined;
      if (isOld || (left && Date.now() - left.mtimeMs > UNFINISHED_MS)) await unlink(folder.at(name)).catch(() => {});
    }
  }

  /** Appends lines, in one write, durably, on lines of their own: the one before may have been cut short. */
  async append(texts: readonly string[]): Promise<void> {
    const bytes = Buffer.from(`\n${texts.join('\n')}\n`);
    const { bytesWritten } = await this.#handle.write(bytes, 0, bytes.length, null);
    if (bytesWritten < bytes.length)
      throw new KillSwitchError(
        'STORE_READ_ONLY',
        `Only ${bytesWritten} of ${bytes.length} bytes could be written to ${this.path}: the disk is probably full. Free some space.`,
      );
    await this.#handle.datasync();
  }

  /**
   * Reads what was appended since, and tells of each line that counts.
   * @throws KillSwitchError CORRUPT where what was read is no longer there: somebody has cut or changed the file
   */
  async readOn(onLine: (mark: string, outcome: LineOutcome) => void): Promise<void> {
    const { size } = fstatSync(this.#handle.fd);
    if (size < this.#offset) throw damaged(this.path, 'it is shorter than it was');
    if (this.#known.length > 0) {
      const again = await read(this.#handle, this.#offset - this.#known.length, this.#known.length);
      if (!again.equals(this.#known)) throw damaged(this.path, 'what was read before is no longer in it');
    }
    let rest: Buffer = Buffer.alloc(0);
    for (let at = this.#offset; at < size; ) {
      const portion = await read(this.#handle, at, Math.min(PORTION, size - at));
      if (portion.length === 0) break;
      at += portion.length;
      const bytes = rest.length === 0 ? portion : Buffer.concat([rest, portion]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      rest = bytes.subarray(end);
      if (end === 0) continue;
      for (const text of bytes.toString('utf8', 0, end - 1).split('\n')) {
        const taken = this.#lines.take(text);
        if (taken) onLine(taken.mark, taken.outcome);
      }
      this.#offset += end;
      this.#known = Buffer.from(bytes.subarray(Math.max(0, end - KNOWN_BYTES), end));
    }
  }

  /** Whether this very file is still where it was. */
  isInPlace(folder: OpenFolder): boolean {
    const there = statSync(folder.at(nameOf(this.number)), { throwIfNoEntry: false });
    const own = fstatSync(this.#handle.fd);
    return there?.ino === own.ino && there.dev === own.dev;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function firstLine(handle: FileHandle, size: number): Promise<string | null> {
  const parts: Buffer[] = [];
  for (let at = 0; at < size; ) {
    const portion = await read(handle, at, Math.min(PORTION, size - at));
    const end = portion.indexOf(0x0a);
    if (end >= 0) return Buffer.concat([...parts, portion.subarray(0, end)]).toString('utf8');
    if (portion.length === 0) return null;
    parts.push(portion);
    at += portion.length;
  }
  return null;
}

/** Makes sure that the names in a folder are on the disk. */
export async function syncFolder(folder: OpenFolder): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder to sync it
  const handle = await open(folder.self, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const found = new WeakSet<KillSwitchError>();

/** Whether this is the error of a ledger that is not what it was. */
export const isDamage = (error: KillSwitchError): boolean => found.has(error);

/** That error. */
export function damaged(path: string, what: string): KillSwitchError {
  const error = new KillSwitchError(
    'CORRUPT',
    `The ledger ${path} cannot be counted with: ${what}. Nothing is spent until an operator has looked at it: put back what was there, or remove the folder it is in, which counts all budgets anew, and start the executors again.`,
  );
  found.add(error);
  return error;
}

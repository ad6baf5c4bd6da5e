import { systemCode } from '../flags/errors.ts';
import { randomUUID } from 'node:crypto';
import { renameSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../flags/index.ts';
import { removeIfThere, removeLeftBehind } from '../store/left-behind.ts';
import { readRegular } from './read-regular.ts';

/**
 * A file that is replaced as a whole, so that readers see the old text or the new one, and that is looked at before:
 * somebody else may write it too. What is written here is never put over something that has not been looked at.
 */
export class KeptFile {
  readonly #file: string;
  /** What was there when it was last looked at or written; null before. */
  #seen: string | null = null;
  /** The text that was written last, and under which mark. */
  #own: { readonly mark: string; readonly text: string } | null = null;
  #tidied = false;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * The text of what is there, where this one has not left it there; '' where nothing that could be read is. Null where
   * it is as it was left.
   */
  async look(): Promise<string | null> {
    this.#seen = markOf(await statOf(this.#file));
    if (this.#own && this.#seen === this.#own.mark) return null;
    const text = await this.#read();
    if (!this.#own || text !== this.#own.text) return text;
    this.#own = { text, mark: this.#seen };
    return null;
  }

  /**
   * Puts this text in the place of what was looked at; when it resolves with true it is on the disk. False where that
   * has changed since: look again. The new file is always dated later than the old one, because flagd notices a change
   * only by that.
   */
  async replace(text: string): Promise<boolean> {
    const temporary = join(dirname(this.#file), `.${basename(this.#file)}.${randomUUID()}.tmp`);
    try {
      const handle = await open(temporary, 'wx');
      const mark = await fill(handle, text, (await statOf(this.#file))?.mtimeMs ?? 0);
      if (!this.#tidied) removeLeftBehind(temporary, (name) => this.#isTemporary(name));
      this.#tidied = true;
      // In one turn: what is put there in between by another process is lost, and that time is as short as it can be.
      const isAsSeen = markOf(statSync(this.#file, { throwIfNoEntry: false })) === this.#seen;
      if (isAsSeen) renameSync(temporary, this.#file);
      else removeIfThere(temporary);
      if (isAsSeen) this.#own = { mark, text };
      return isAsSeen;
    } catch (error) {
      removeIfThere(temporary); // it may be gone already; the first error is the one that counts
      // The temporary name is another each time, and says nothing to people.
      throw new Error(messageOf(error).replaceAll(temporary, this.#file), { cause: error });
    }
  }

  async #read(): Promise<string> {
    try {
      const { bytes, stats } = await readRegular(this.#file);
      this.#seen = markOf(stats);
      return bytes.toString('utf8');
    } catch {
      return ''; // whatever it is, it is no text; whether it can be replaced is seen then
    }
  }

  #isTemporary(name: string): boolean {
    const prefix = `.${basename(this.#file)}.`;
    return name.startsWith(prefix) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(prefix.length));
  }
}

/** Fills a new file and puts it on the disk; the mark that it has from then on. */
async function fill(handle: FileHandle, text: string, olderMs: number): Promise<string> {
  try {
    await handle.writeFile(text);
    const { mtimeMs } = await handle.stat();
    // The kernel's clock is coarse, and it can be set back.
    const laterMs = olderMs + 2;
    if (mtimeMs < laterMs) await handle.utimes(laterMs / 1000, laterMs / 1000);
    await handle.sync();
    return markOf(await handle.stat());
  } finally {
    await handle.close();
  }
}

/** What tells one file from another, and from itself once it was written again. */
const markOf = (stats: Stats | undefined): string =>
  stats ? `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}` : 'nothing';

async function statOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

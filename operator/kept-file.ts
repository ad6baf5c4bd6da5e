import { systemCode } from '../flags/errors.ts';
import { randomUUID } from 'node:crypto';
import { renameSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../flags/index.ts';
import { removeIfThere, removeLeftBehind } from '../store/left-behind.ts';
import { readRegular } from './read-regular.ts';

/**
 * A file that is replaced as a whole: readers see the old text or the new one. Others may write it too, so it is read
 * before it is replaced, and never replaced unread.
 */
export class KeptFile {
  readonly #file: string;
  /** The mark of the file when it was last read or written; null before. */
  #seen: string | null = null;
  /** The text that was written last, and its mark. */
  #own: { readonly mark: string; readonly text: string } | null = null;
  #tidied = false;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * The text of the file where somebody else has written it; '' where there is nothing readable. Null where the file is
   * as this one left it.
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
   * Replaces the file that was read last. True: the text is on the disk. False: the file has changed since, so look
   * again. The new file always has a later date than the old one, because flagd notices a change only by that.
   */
  async replace(text: string): Promise<boolean> {
    const temporary = join(dirname(this.#file), `.${basename(this.#file)}.${randomUUID()}.tmp`);
    try {
      const handle = await open(temporary, 'wx');
      const mark = await fill(handle, text, (await statOf(this.#file))?.mtimeMs ?? 0);
      if (!this.#tidied) removeLeftBehind(temporary, (name) => this.#isTemporary(name));
      this.#tidied = true;
      // Synchronous, because a file that another process puts there in between is lost: that time is as short as
      // possible.
      const isAsSeen = markOf(statSync(this.#file, { throwIfNoEntry: false })) === this.#seen;
      if (isAsSeen) renameSync(temporary, this.#file);
      else removeIfThere(temporary);
      if (isAsSeen) this.#own = { mark, text };
      return isAsSeen;
    } catch (error) {
      removeIfThere(temporary); // it may be gone already; the first error counts
      // The temporary name is random, and means nothing to people.
      throw new Error(messageOf(error).replaceAll(temporary, this.#file), { cause: error });
    }
  }

  async #read(): Promise<string> {
    try {
      const { bytes, stats } = await readRegular(this.#file);
      this.#seen = markOf(stats);
      return bytes.toString('utf8');
    } catch {
      return ''; // no readable text; whether it can be replaced, replace() shows
    }
  }

  #isTemporary(name: string): boolean {
    const prefix = `.${basename(this.#file)}.`;
    return name.startsWith(prefix) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(prefix.length));
  }
}

/** Writes a new file to the disk; returns its mark. */
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

/** A text that differs between files, and between two writes of one file. */
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

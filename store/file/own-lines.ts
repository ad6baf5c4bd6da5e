import type { OpenFolder } from './folder.ts';
import { appendKept, removeKept } from './kept.ts';
import { randomName } from './report-names.ts';

/** An executor begins another file when the last one is longer than this, in bytes, and then keeps two of them. */
export const ROTATE_BYTES = 16 * 1024 * 1024;

/**
 * The lines that one executor appends to files of its own, in a folder in which others may write. Nobody can foresee a
 * file's name, so nobody can have taken it. Where a file was exchanged since, another is begun.
 */
export class OwnLines {
  readonly #id: string;
  #now: string | null = null;
  #before: string | null = null;

  constructor(executorId: string) {
    this.#id = executorId;
  }

  /** @throws KillSwitchError */
  async append(open: OpenFolder, texts: readonly string[]): Promise<void> {
    const text = texts.map((line) => `${line}\n`).join('');
    const length = this.#now === null ? null : await appendKept(open, this.#now, { text, isNew: false });
    if (length === null) {
      const name = `${randomName(this.#id)}.jsonl`;
      await appendKept(open, name, { text, isNew: true });
      this.#now = name;
    } else if (length > ROTATE_BYTES) {
      const old = this.#before;
      this.#before = this.#now;
      this.#now = null;
      if (old !== null) await removeKept(open, old).catch(() => {}); // a file that cannot be removed is another user's
    }
  }
}

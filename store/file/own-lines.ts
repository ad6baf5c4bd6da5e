import type { OpenFolder } from './folder.ts';
import { appendKept, removeKept } from './kept.ts';
import { randomName } from './report-names.ts';

export const LINES = '.jsonl';

/**
 * The lines that one executor appends to files of its own, in a folder in which others may write. Nobody can foresee a
 * file's name, so nobody can have taken it. Where a file was exchanged since, another is begun; so it is when the last
 * one is longer than `rotateBytes`, and then two of them are kept.
 */
export class OwnLines {
  readonly #id: string;
  readonly #rotateBytes: number;
  #now: string | null = null;
  #before: string | null = null;

  constructor(executorId: string, rotateBytes: number) {
    this.#id = executorId;
    this.#rotateBytes = rotateBytes;
  }

  /** Resolves to whether a file was begun. @throws KillSwitchError */
  async append(open: OpenFolder, texts: readonly string[]): Promise<boolean> {
    const text = texts.map((line) => `${line}\n`).join('');
    const length = this.#now === null ? null : await appendKept(open, this.#now, { text, isNew: false });
    if (length === null) {
      const name = randomName(this.#id) + LINES;
      await appendKept(open, name, { text, isNew: true });
      this.#now = name;
    } else if (length > this.#rotateBytes) {
      const old = this.#before;
      this.#before = this.#now;
      this.#now = null;
      if (old !== null) await removeKept(open, old).catch(() => {}); // a file that cannot be removed is another user's
    }
    return length === null;
  }
}

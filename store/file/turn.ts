import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { TURN_MS, turnMs } from '../answers.ts';

/**
 * The turns of those who append to one log, in a file that names who has it. It only makes others wait: where it cannot
 * be read or written, or two claim it at once, the log's own order decides, as always.
 */
export class Turns {
  readonly #path: string;
  readonly #me = randomUUID();
  #claimed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whose turn it is, by this machine's clock; what is dated ahead of it counts for nothing. */
  async whose(): Promise<'mine' | 'others' | 'free'> {
    try {
      const age = Date.now() - (await stat(this.#path)).mtimeMs;
      if (age <= -TURN_MS.least || age >= TURN_MS.most) return 'free';
      const [who, ms] = (await readFile(this.#path, 'utf8')).split(' ');
      if (age >= Number(ms ?? TURN_MS.least)) return 'free';
      return who === this.#me ? 'mine' : 'others';
    } catch {
      return 'free';
    }
  }

  /** `sinceReadMs`: how long ago was read what was to be appended. */
  async claim(sinceReadMs: number): Promise<void> {
    if ((await this.whose()) === 'others') return;
    this.#claimed = true;
    await writeFile(this.#path, `${this.#me} ${turnMs(sinceReadMs)}`).catch(() => {});
  }

  async end(): Promise<void> {
    if (!this.#claimed) return;
    this.#claimed = false;
    if ((await this.whose()) === 'mine') await rm(this.#path, { force: true }).catch(() => {});
  }
}

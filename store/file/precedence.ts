import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { PRECEDENCE_MS, precedenceMs } from '../answers.ts';

/**
 * One writer's view of the precedence in one log: a file names the writer who has it. Precedence only makes other
 * writers wait. Where the file cannot be read or written, or two writers claim it at once, the log's own order decides,
 * as always.
 */
export class Precedence {
  readonly #path: string;
  readonly #me = randomUUID();
  #claimed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Who has it, by this machine's clock. A file that is dated in the future counts for nothing. */
  async holder(): Promise<'me' | 'another' | 'nobody'> {
    try {
      const found = statSync(this.#path, { throwIfNoEntry: false });
      if (!found) return 'nobody';
      const age = Date.now() - found.mtimeMs;
      if (age <= -PRECEDENCE_MS.least || age >= PRECEDENCE_MS.most) return 'nobody';
      const [who, ms] = (await readFile(this.#path, 'utf8')).split(' ');
      if (age >= Number(ms ?? PRECEDENCE_MS.least)) return 'nobody';
      return who === this.#me ? 'me' : 'another';
    } catch {
      return 'nobody';
    }
  }

  /** @param sinceReadMs milliseconds since the state was read on which the overtaken changes were planned */
  async claim(sinceReadMs: number): Promise<void> {
    if ((await this.holder()) === 'another') return;
    this.#claimed = true;
    await writeFile(this.#path, `${this.#me} ${precedenceMs(sinceReadMs)}`).catch(() => {});
  }

  async giveUp(): Promise<void> {
    if (!this.#claimed) return;
    this.#claimed = false;
    if ((await this.holder()) === 'me') await rm(this.#path, { force: true }).catch(() => {});
  }
}

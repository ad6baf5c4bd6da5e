import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { type ForkReport, type Head, textProblem } from '../../flags/index.ts';
import { fileError } from './file-errors.ts';
import { inFolderMade, type OpenFolder } from './folder.ts';
import { beginningOf } from './fork-reports.ts';
import { FOR_ALL, putKept, removeKept } from './kept.ts';
import type { FilePaths } from './paths.ts';

/** The executor that reports. */
export interface Reporter {
  readonly id: string;
  readonly name: string;
}

/** One executor's report of a fork, in a file whose name nobody can foresee, so nobody can have taken it. */
export class OwnForkReport {
  readonly #paths: FilePaths;
  readonly #reader: { readonly log: { readonly head: Head | null } };
  #own: { readonly against: string; readonly name: string } | null = null;

  constructor(paths: FilePaths, reader: { readonly log: { readonly head: Head | null } }) {
    this.#paths = paths;
    this.#reader = reader;
  }

  /**
   * Reports a fork, or removes this executor's report against a generation that is over. An executor without a fork
   * checks that it could report one: others must hear of it when changes that it acknowledged are lost.
   * @throws KillSwitchError
   */
  async put({ id, name }: Reporter, fork: ForkReport | null): Promise<void> {
    const { root, forks } = this.#paths;
    await inFolderMade(root, forks, async (open) => {
      if (fork && textProblem(fork.against) === null)
        await this.#write(open, fork.against, JSON.stringify({ ...fork, id, name }));
      else checkWritable(open);
      if (!fork) await this.#takeBack(open);
    });
  }

  async #write(open: OpenFolder, against: string, text: string): Promise<void> {
    const own =
      this.#own?.against === against
        ? this.#own
        : { against, name: `${beginningOf(against)}${randomBytes(12).toString('hex')}.json` };
    this.#own = null; // after a failure the next report gets another name
    await putKept(open, own.name, text, { mode: FOR_ALL });
    this.#own = own;
  }

  async #takeBack(open: OpenFolder): Promise<void> {
    const own = this.#own;
    const { head } = this.#reader.log;
    if (!own || !head || own.against === head.generation) return;
    await removeKept(open, own.name);
    this.#own = null;
  }
}

function checkWritable({ self, path }: OpenFolder): void {
  try {
    accessSync(self, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fileError(error, 'written', path);
  }
}

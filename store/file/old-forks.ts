import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { inFolder, makeFolders, type OpenFolder } from './folder.ts';
import { walkThrough } from './fork-reports.ts';
import { namesIn, removeKept } from './kept.ts';
import type { FilePaths } from './paths.ts';
import { Serial } from './serial.ts';

const ASIDE = /^forks\.[0-9a-f]{24}\.old$/;

/** How many names are read at once, and how many files are removed at the same time. */
const NAMES = 512;
const AT_ONCE = 32;

/** How many files are removed of one folder at most: a process that has it open can go on adding files. */
const MOST = 1_000_000;

/** How deep folders are emptied: a user may have put a folder of files there. Deeper ones stay. */
const DEPTH = 2;

/** How much is looked through for reports against the new generation: they can only have come within milliseconds. */
const NEWEST = { names: 20_000, files: 1000 };

/** A name and the path of its folder. */
interface Entry {
  readonly folder: string;
  readonly name: string;
}

/**
 * Removes the reports of forks that a `recover` has ended. Their folder is renamed in one step, whatever is in it, and
 * emptied afterwards, while nothing waits. The next `recover` removes what is left when this process ends.
 */
export class OldForks {
  readonly #paths: FilePaths;
  readonly #removing = new Serial();
  #closed = false;

  constructor(paths: FilePaths) {
    this.#paths = paths;
  }

  /**
   * Begins a new folder of reports, and moves into it those that are already against the new `generation`. Never
   * rejects: operators may have no permission there, and the reports that stay are against a generation that is over,
   * so they no longer count.
   */
  async putAside(generation: string): Promise<void> {
    const { root, executors, forks } = this.#paths;
    try {
      const aside = `forks.${randomBytes(12).toString('hex')}.old`;
      await inFolder(root, executors, async (open) => {
        renameSync(open.at('forks'), open.at(aside));
        await makeFolders(root, [forks]); // in the same turn: an executor may be about to report there
      });
      await this.#keep(join(executors, aside), generation).catch(() => {});
    } catch {
      // The old reports stay, and no longer count.
    }
    this.#removing.run('remove', () => this.#remove(), { ms: 1000 }).catch(() => {});
  }

  /** Ends at the latest after `ms` milliseconds. */
  async close(ms: number): Promise<void> {
    const late = setTimeout(() => {
      this.#closed = true;
    }, ms / 2);
    await this.#removing.close(ms);
    clearTimeout(late);
    this.#closed = true;
  }

  /** Moves reports against the new generation into the new folder. */
  async #keep(aside: string, generation: string): Promise<void> {
    const { root, forks } = this.#paths;
    await inFolder(root, aside, (old) =>
      inFolder(root, forks, async (open) => {
        const walk = walkThrough(old, generation);
        try {
          for (const { name } of await walk.next(old, NEWEST)) renameSync(old.at(name), open.at(name));
        } finally {
          walk.close();
        }
      }),
    );
  }

  /** Removes all folders that were put aside, by this process or others. */
  async #remove(): Promise<void> {
    const { root, executors } = this.#paths;
    await inFolder(root, executors, async (open) => {
      const { names } = await namesIn(open, '.old', NAMES);
      for (const name of names) if (ASIDE.test(name)) await this.#removeAll(open, { folder: executors, name }, DEPTH);
    });
  }

  /** Removes a file or a link, or a folder with its files. What cannot be removed stays. */
  async #removeAll(above: OpenFolder, { folder, name }: Entry, depth: number): Promise<void> {
    if (this.#closed) return;
    try {
      await removeKept(above, name);
    } catch {
      if (depth === 0) return;
      const path = join(folder, name);
      await inFolder(this.#paths.root, path, (open) => this.#empty(open, path, depth - 1)).catch(() => {});
      await removeKept(above, name).catch(() => {});
    }
  }

  /** Empties a folder in one pass: a second one would read past all the names that were removed. */
  async #empty(open: OpenFolder, folder: string, depth: number): Promise<void> {
    let some: string[] = [];
    const removeSome = async (): Promise<void> => {
      await Promise.all(some.map((name) => this.#removeAll(open, { folder, name }, depth)));
      some = [];
    };
    let seen = 0;
    for await (const { name } of await opendir(open.self, { bufferSize: NAMES })) {
      some.push(name);
      seen += 1;
      if (some.length === AT_ONCE) await removeSome();
      if (this.#closed || seen === MOST) break;
    }
    await removeSome();
  }
}

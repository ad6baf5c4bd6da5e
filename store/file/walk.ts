import { type Dir, lstatSync, opendirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { OpenFolder } from './folder.ts';

/** A file in a folder in which several users may write, and its owner, before it is read. */
export interface OwnedFile {
  readonly name: string;
  readonly owner: number;
  readonly bytes: number;
  readonly changedMs: number;
}

/**
 * How much one step does at most. A folder may hold any number of names, and to ask for one file's owner takes five
 * times as long as to read a name.
 */
export interface Step {
  readonly names: number;
  readonly files: number;
}

/** The steps of `all`. */
const STEP: Step = { names: 10_000, files: 2000 };

/** How many names `all` looks at: a user who adds files all the time must not keep an operator busy for ever. */
export const MOST_NAMES = 5_000_000;

/** After how many names the event loop gets a turn. */
const BETWEEN_TURNS = 1000;

/**
 * One pass through the files of a folder whose names have this beginning and ending, in steps, so that a full folder
 * does not hold up the event loop. Files that are added meanwhile may be met or not.
 */
export class Walk {
  readonly #beginning: string;
  readonly #ending: string;
  #names: Dir | null;
  #seen = 0;

  constructor(open: OpenFolder, beginning: string, ending: string) {
    this.#beginning = beginning;
    this.#ending = ending;
    this.#names = opendirSync(open.self, { bufferSize: 512 });
  }

  /** True when there is nothing more to come. */
  get isOver(): boolean {
    return this.#names === null;
  }

  /** So many names were there up to here, whatever they are. */
  get seen(): number {
    return this.#seen;
  }

  /** The next files. `open`: the folder that it began in. */
  async next(open: OpenFolder, { names, files }: Step): Promise<readonly OwnedFile[]> {
    const found: OwnedFile[] = [];
    for (let seen = 1; seen <= names && found.length < files; seen += 1) {
      const name = this.#names?.readSync()?.name;
      if (name === undefined) {
        this.close();
        break;
      }
      this.#seen += 1;
      if (name.startsWith(this.#beginning) && name.endsWith(this.#ending)) {
        const stats = lstatSync(open.at(name), { throwIfNoEntry: false });
        if (stats) found.push({ name, owner: stats.uid, bytes: stats.size, changedMs: stats.mtimeMs });
      }
      if (seen % BETWEEN_TURNS === 0) await turn();
    }
    return found;
  }

  /** All files, in portions; `onStep` is called after each. */
  async *all(open: OpenFolder, onStep: () => void = () => {}): AsyncGenerator<readonly OwnedFile[]> {
    await turn(); // names are read synchronously: a loop of such calls must not block the event loop
    try {
      for (; !this.isOver && this.#seen < MOST_NAMES; onStep()) yield await this.next(open, STEP);
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#names?.closeSync();
    this.#names = null;
  }
}

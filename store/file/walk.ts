import { type Dir, lstatSync, opendirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { OpenFolder } from './folder.ts';

/** A file of a folder in which several users may write, as it was found before it is read, and whose it is. */
export interface OwnedFile {
  readonly name: string;
  readonly owner: number;
  readonly bytes: number;
  readonly changedMs: number;
}

/**
 * How much one step does at most: any number of names may be there, and to ask whose one file is takes five times as
 * long as to read a name.
 */
export interface Step {
  readonly names: number;
  readonly files: number;
}

/** A step of who goes through all of them. */
const STEP: Step = { names: 10_000, files: 2000 };

/**
 * So many names are looked at by them: one costs little, but whoever adds more all the time must not keep an operator
 * for ever.
 */
export const MOST_NAMES = 5_000_000;

/** After so many names others have their turn. */
const BETWEEN_TURNS = 1000;

/**
 * One way through the files of a folder whose names begin and end so, step by step: nobody is held up by how many there
 * are. What is put there meanwhile may be met or not.
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

  /** All files, some at a time; `onStep` is called as it gets on. */
  async *all(open: OpenFolder, onStep: () => void = () => {}): AsyncGenerator<readonly OwnedFile[]> {
    await turn(); // names are read at once, and whoever asks in a loop must not keep everything else from happening
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

import { statSync } from 'node:fs';
import { LONGEST_STOP, type Stop } from '../../flags/index.ts';
import type { KeptStop, StopReader, Stops } from '../capabilities/stops.ts';
import { givenStop, readStop, stopsIn } from '../stop-texts.ts';
import { uidWriter } from '../writers.ts';
import { leftOut } from './fair-share.ts';
import { inFolder, inFolderMade } from './folder.ts';
import { FOR_ALL, putKept, removeKept } from './kept.ts';
import { syncFolder } from './ledger-file.ts';
import type { FilePaths } from './paths.ts';
import { ENDING, randomName } from './report-names.ts';
import { readReports } from './reports.ts';

/** For how long after its last change a folder may change again and look the same, in milliseconds. */
const SAME_LOOK_MS = 1000;

/** The stops of an executor, a file each, in a folder in which others may write: nobody can foresee its name. */
export function fileStops({ root, stops }: FilePaths, executorId: string): Stops {
  const names = new Map<string, string>();
  return {
    async add(given) {
      const stop = givenStop(given);
      const name = names.get(stop.id) ?? randomName(executorId) + ENDING;
      names.set(stop.id, name);
      await inFolderMade(root, stops, async (folder) => {
        await putKept(folder, name, JSON.stringify(stop), { mode: FOR_ALL, sync: true });
        await syncFolder(folder);
      });
    },
  };
}

/** What one report in the folder of stops is. */
interface StopFile {
  readonly name: string;
  readonly kept: KeptStop;
}

async function readAll({ root, stops: folder }: FilePaths): Promise<{ files: StopFile[]; problems: string[] }> {
  const { reports, left, problem } = await readReports({ root, folder }, { longest: LONGEST_STOP });
  const files = reports.map(({ name, kept, owner }): StopFile => {
    const writer = uidWriter(owner);
    return { name, kept: 'text' in kept ? readStop(kept.text, writer) : { problem: kept.problem, writer } };
  });
  return { files, problems: [problem, leftOut(folder, left)].filter((each) => each !== null) };
}

/** All stops as an executor reads them: anew when its folder has changed, else the same list again. */
export class FileStopList {
  readonly #paths: FilePaths;
  /** How the folder looked when it was read; null: read it again. */
  #look: string | null = null;
  #list: readonly Stop[] = [];

  constructor(paths: FilePaths) {
    this.#paths = paths;
  }

  /** Reads before the caller reads the log, so that no stop names an epoch that the log then has not come to. */
  async read(): Promise<readonly Stop[]> {
    const found = statSync(this.#paths.stops, { bigint: true, throwIfNoEntry: false });
    const look = found ? `${found.dev}:${found.ino} ${found.mtimeNs} ${found.ctimeNs}` : '';
    if (look === this.#look) return this.#list;
    const { files } = await readAll(this.#paths);
    this.#list = stopsIn(files.map(({ kept }) => kept));
    // A folder's time is coarse: what has just changed may change again and look the same.
    this.#look = found && Date.now() - Number(found.mtimeMs) < SAME_LOOK_MS ? null : look;
    return this.#list;
  }
}

/** Reads them, for operators. */
export const fileStopReader = (paths: FilePaths, admit: () => void): StopReader => ({
  async list() {
    admit();
    const { files, problems } = await readAll(paths);
    return [...files.map(({ kept }) => kept), ...problems.map((problem) => ({ problem, writer: null }))];
  },
  async drop(ids) {
    admit();
    const { files } = await readAll(paths);
    const over = files.filter(({ kept }) => 'stop' in kept && ids.includes(kept.stop.id));
    await inFolder(paths.root, paths.stops, async (folder) => {
      for (const { name } of over) await removeKept(folder, name);
    });
  },
});

import { rename } from 'node:fs/promises';
import { messageOf } from '../../flags/index.ts';
import { KEPT_INTERVENTIONS, type Shelf, type ShelfReader } from '../ports.ts';
import { fileError } from './file-errors.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { appendKept, namesIn, readKept } from './kept.ts';
import { fileName, type FilePaths } from './paths.ts';
import { idIn, idOfReport, putReport, readReport, readReports } from './reports.ts';

/** A file of interventions is put aside when it is longer than this, in bytes; the one that was put aside before goes. */
const ROTATE_BYTES = 16 * 1024 * 1024;

/** The longest report that is read, in bytes. */
const LONGEST_REPORT = 8 * 1024 * 1024;

/** How many files of interventions are read at most. */
const MOST_FILES = 1000;

/** What one executor keeps: a file a report, and its interventions in a file of its own, one a line. */
export function fileShelf(paths: FilePaths, executorId: string): Shelf {
  const { root } = paths;
  const own = fileName(executorId);
  return {
    appendInterventions: (texts) =>
      inFolderMade(root, paths.interventions, async (folder) => {
        const length = await appendKept(folder, `${own}.jsonl`, texts.map((text) => `${text}\n`).join(''));
        if (length > ROTATE_BYTES) await putAside(folder, own);
      }),
    async put(name, id, text) {
      await putReport(root, paths[name], id, JSON.stringify({ id, text }));
    },
    async get(name, id) {
      const kept = await readReport(root, paths[name], id, LONGEST_REPORT);
      if (kept === null) return null;
      return 'text' in kept ? textOf(kept.text) : unreadable(kept.problem);
    },
  };
}

async function putAside(folder: OpenFolder, name: string): Promise<void> {
  try {
    await rename(folder.at(`${name}.jsonl`), folder.at(`${name}.before.jsonl`));
  } catch (error) {
    throw fileError(error, 'written', `${folder.path}/${name}.jsonl`);
  }
}

/** What all executors have kept. What cannot be read is handed on as a text that is no report: whoever parses it says so. */
export const fileShelfReader = (paths: FilePaths): ShelfReader => ({
  async interventions(limit) {
    const lines: string[] = [];
    await inFolder(paths.root, paths.interventions, async (folder) => {
      for (const name of (await namesIn(folder, '.jsonl', MOST_FILES)).names) {
        const kept = await readKept(folder, name, 2 * ROTATE_BYTES);
        if (kept === null) continue;
        const own = 'text' in kept ? kept.text.split('\n').filter((line) => line !== '') : [unreadable(kept.problem)];
        lines.push(...own.slice(-Math.min(limit, KEPT_INTERVENTIONS)));
      }
    }).catch((error: unknown) => lines.push(unreadable(messageOf(error))));
    // Each record begins with its random id, so files are put in order by the time that they hold.
    return lines
      .map((line) => [/"at":"([^"]*)"/.exec(line)?.[1] ?? '', line] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .slice(-limit)
      .map(([, line]) => line);
  },
  async all(name) {
    const { reports, problem } = await readReports(paths.root, paths[name], LONGEST_REPORT);
    const found = reports.map(({ name: file, kept }): readonly [string, string] =>
      'text' in kept
        ? [idIn(kept.text) ?? idOfReport(file), textOf(kept.text)]
        : [idOfReport(file), unreadable(kept.problem)],
    );
    return problem === null ? found : [...found, [paths[name], unreadable(problem)]];
  },
});

const unreadable = (problem: string): string => `(${problem})`;

/** What cannot be read is handed on as it is: whoever parses it says so. */
const textOf = (kept: string): string => {
  try {
    const { text } = JSON.parse(kept) as { text?: unknown };
    return typeof text === 'string' ? text : kept;
  } catch {
    return kept;
  }
};

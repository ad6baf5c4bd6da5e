import { rename } from 'node:fs/promises';
import { messageOf } from '../../flags/index.ts';
import { KEPT_CHECKPOINTS, KEPT_INTERVENTIONS, type Shelf, type ShelfReader } from '../ports.ts';
import { newestLast } from '../reports.ts';
import { fileError } from './file-errors.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { appendKept, namesIn, readKept } from './kept.ts';
import { fileName, type FilePaths } from './paths.ts';
import { idIn, idOfReport, keepNewest, putReport, readReport, readReports, removeReport } from './reports.ts';

/** A file of interventions is put aside when it is longer than this, in bytes; the one that was put aside before goes. */
const ROTATE_BYTES = 16 * 1024 * 1024;

/** The longest report that is read, in bytes. */
const LONGEST_REPORT = 8 * 1024 * 1024;

/** How many files of interventions are read at most. */
const MOST_FILES = 10_000;

/** How often what is over is looked for: with every so many checkpoints of a process. */
const PRUNE_EVERY = 256;

/** What one executor keeps: a file a report, and its interventions and proposals in a file of its own each, one a line. */
export function fileShelf(paths: FilePaths, executorId: string): Shelf {
  const { root } = paths;
  const own = fileName(executorId);
  let saved = 0;
  const append = (folder: string, texts: readonly string[]): Promise<void> =>
    inFolderMade(root, folder, async (open) => {
      const length = await appendKept(open, `${own}.jsonl`, texts.map((text) => `${text}\n`).join(''));
      if (length > ROTATE_BYTES) await putAside(open, own);
    });
  return {
    appendInterventions: (texts) => append(paths.interventions, texts),
    appendProposals: (texts) => append(paths.proposals, texts),
    async put(name, id, text) {
      await putReport(root, paths[name], id, JSON.stringify({ id, text }));
      if (name === 'checkpoints' && saved++ % PRUNE_EVERY === 0)
        await keepNewest(root, paths.checkpoints, KEPT_CHECKPOINTS);
    },
    async get(name, id) {
      const kept = await readReport(root, paths[name], id, LONGEST_REPORT);
      if (kept === null) return null;
      return 'text' in kept ? textOf(kept.text) : unreadable(kept.problem);
    },
    remove: (name, id) => removeReport(root, paths[name], id),
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
  interventions: (limit) => newestLines(paths.root, paths.interventions, limit),
  proposals: (limit) => newestLines(paths.root, paths.proposals, limit),
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

async function newestLines(root: string, folder: string, limit: number): Promise<string[]> {
  const lines: string[] = [];
  await inFolder(root, folder, async (open) => {
    for (const name of (await namesIn(open, '.jsonl', MOST_FILES)).names) {
      const kept = await readKept(open, name, 2 * ROTATE_BYTES);
      if (kept === null) continue;
      const own = 'text' in kept ? kept.text.split('\n').filter((line) => line !== '') : [unreadable(kept.problem)];
      lines.push(...own.slice(-Math.min(limit, KEPT_INTERVENTIONS)));
    }
  }).catch((error: unknown) => lines.push(unreadable(messageOf(error))));
  return newestLast(lines, limit);
}

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

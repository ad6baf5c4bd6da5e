import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KEPT_INTERVENTIONS, type Shelf, type ShelfReader } from '../ports.ts';
import { fileError } from './file-errors.ts';
import { fileName, type FilePaths, idOfFileName } from './paths.ts';
import { readReportText, reportPath, reportPaths, writeFirstReport } from './reports.ts';

/** A file of interventions is put aside when it is longer than this, in bytes; the one that was put aside before goes. */
const ROTATE_BYTES = 16 * 1024 * 1024;

/** What one executor keeps: a file a report, and its interventions in a file of its own, one a line. */
export function fileShelf(paths: FilePaths, executorId: string): Shelf {
  let attempts = 0;
  const own = join(paths.interventions, `${fileName(executorId)}.jsonl`);
  return {
    async appendInterventions(texts) {
      try {
        await mkdir(paths.interventions, { recursive: true });
        await appendFile(own, texts.map((text) => `${text}\n`).join(''));
        if ((await stat(own)).size > ROTATE_BYTES) await rename(own, `${own.slice(0, -'.jsonl'.length)}.before.jsonl`);
      } catch (error) {
        throw fileError(error, 'written', own);
      }
    },
    async put(name, id, text) {
      attempts += 1;
      await writeFirstReport(reportPath(paths[name], id), { id, text }, `${executorId}.${attempts}`);
    },
    async get(name, id) {
      const kept = await readReportText(reportPath(paths[name], id));
      return kept === null ? null : textOf(kept);
    },
  };
}

/** What all executors have kept. */
export const fileShelfReader = (paths: FilePaths): ShelfReader => ({
  async interventions(limit) {
    const lines: string[] = [];
    for (const path of await reportPaths(paths.interventions, '.jsonl')) {
      const text = (await readReportText(path)) ?? '';
      const own = text.split('\n').filter((line) => line !== '');
      lines.push(...own.slice(-Math.min(limit, KEPT_INTERVENTIONS)));
    }
    // Each record begins with its random id, so files are put in order by the time that they hold.
    return lines
      .map((line) => [/"at":"([^"]*)"/.exec(line)?.[1] ?? '', line] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .slice(-limit)
      .map(([, line]) => line);
  },
  async all(name) {
    const found: Array<readonly [string, string]> = [];
    for (const path of await reportPaths(paths[name])) {
      const kept = await readReportText(path);
      if (kept !== null) found.push([idIn(kept, path), textOf(kept)]);
    }
    return found;
  },
});

/** What cannot be read is handed on as it is: whoever parses it says so. */
const textOf = (kept: string): string => {
  try {
    const { text } = JSON.parse(kept) as { text?: unknown };
    return typeof text === 'string' ? text : kept;
  } catch {
    return kept;
  }
};

const idIn = (kept: string, path: string): string => {
  try {
    const { id } = JSON.parse(kept) as { id?: unknown };
    if (typeof id === 'string') return id;
  } catch {
    // The file's name says it then.
  }
  return idOfFileName(path.slice(path.lastIndexOf('/') + 1, -'.json'.length));
};

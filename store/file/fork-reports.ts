import { join } from 'node:path';
import { type FoundReport, isKillSwitchError, messageOf } from '../../flags/index.ts';
import type { Flood, FoundReports } from '../ports.ts';
import { readForkReport } from '../read-fork-report.ts';
import { type Bounds, fairShares, wholeFiles } from './fair-share.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { namesIn, readKept, removeKept } from './kept.ts';
import { fileName, type FilePaths } from './paths.ts';
import { idOfReport } from './reports.ts';

/** So many reports of forks are read at most. */
export const MOST_REPORTS = 1000;

/**
 * About a thousand reports of a fork are read, in fair shares for each user. Who has more there counts as one who reports a fork, unless excluded: a flood must
 * not hide a true report among its own.
 */
const BOUNDS: Bounds = { total: 8_192_000, most: MOST_REPORTS, longest: 4096 };

/** Where the reports against one generation are: files of the one folder that begin so, and those of older versions in a folder of their own. */
export interface Place {
  readonly folder: string;
  readonly beginning: string;
}

export const placeOf = ({ forks }: FilePaths, generation: string): Place => ({
  folder: forks,
  beginning: `${fileName(generation)}.`,
});

/** Until this version each generation had a folder, which anybody could make first. What older executors write there counts, and they are told there. */
export const olderPlaceOf = ({ forks }: FilePaths, generation: string): Place => ({
  folder: join(forks, fileName(generation)),
  beginning: '',
});

/** Reads a place as far as is bearable. */
export async function reportsIn(open: OpenFolder, beginning: string): Promise<FoundReports> {
  const { shares, problem } = await fairShares(open, '.json', BOUNDS);
  const reports: FoundReport[] = [];
  const floods: Flood[] = problem === null ? [] : [{ what: problem, by: [] }];
  for (const share of shares) {
    const { owner } = share;
    const chosen = new Set(wholeFiles(share, BOUNDS));
    for (const file of share.files) {
      if (!file.name.startsWith(beginning)) continue;
      if (!chosen.has(file)) {
        floods.push({ what: `uid ${owner} has more files in ${open.path} than are read`, by: [`uid ${owner}`] });
        break;
      }
      const kept = await readKept(open, file.name, BOUNDS.longest, { linked: true });
      const report = kept && 'text' in kept ? foundReport(kept.text, idOfReport(file.name), kept.owner) : null;
      if (report) reports.push(report);
    }
  }
  return { reports, floods };
}

/** One report, or null where it cannot be read. */
function foundReport(text: string, fileId: string, owner: number): FoundReport | null {
  const report = readForkReport(text);
  if (!report) return null;
  const { against, held, id = fileId, name } = report;
  const known = `uid ${owner}`; // the system vouches for this one only
  return { id, name: name ?? known, by: name === undefined ? [known] : [known, name], against, held };
}

/** What executors judge, for operators. */
export async function readForks(paths: FilePaths, generation: string): Promise<FoundReports> {
  const reports = new Map<string, FoundReport>(); // an executor's two are one
  const floods: Flood[] = [];
  for (const { folder, beginning } of [placeOf(paths, generation), olderPlaceOf(paths, generation)]) {
    try {
      const found = await inFolder(paths.root, folder, (open) => reportsIn(open, beginning));
      for (const report of found?.reports ?? []) reports.set(JSON.stringify([report.id, report.by]), report);
      floods.push(...(found?.floods ?? []));
    } catch (error) {
      // What this user may not read it knows nothing of; the beats say so.
      if (folder === paths.forks && isKillSwitchError(error) && error.code === 'CORRUPT')
        floods.push({ what: messageOf(error), by: [] });
    }
  }
  return { reports: [...reports.values()], floods };
}

/** Removes all that executors have reported of forks, after a `recover`. */
export async function clearForks({ root, forks }: FilePaths): Promise<void> {
  const most = 1_000_000;
  const clear = (folder: string, each: (open: OpenFolder, name: string) => Promise<void>): Promise<unknown> =>
    inFolder(root, folder, async (open) => {
      for (const name of (await namesIn(open, '', most)).names) await each(open, name).catch(() => {});
    });
  await clear(forks, async (open, name) => {
    await clear(join(forks, name), removeKept).catch(() => {}); // it is no folder, then
    await removeKept(open, name);
  });
}

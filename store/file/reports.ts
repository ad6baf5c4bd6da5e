import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Beat, beatSchema, KillSwitchError, messageOf } from '../../flags/index.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { fileName, type FilePaths, idOfFileName } from './paths.ts';

const ENDING = '.json';

export const reportPath = (folder: string, id: string): string => join(folder, fileName(id) + ENDING);

/** Puts a whole file in place of an older one, or fails and leaves that. `attempt` tells apart what is written at the same time. */
async function writeReport(path: string, report: unknown, attempt: number | string): Promise<void> {
  const temporary = `${path}.${process.pid}.${attempt}.tmp`;
  try {
    await writeFile(temporary, JSON.stringify(report));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // what went wrong is told below
    throw errnoOf(error) === 'ENOENT' ? error : fileError(error, 'written', path);
  }
}

/** As `writeReport`, and makes the folder where there is none. Resolves to whether it had to. */
export async function writeFirstReport(path: string, report: unknown, attempt: number | string): Promise<boolean> {
  try {
    await writeReport(path, report, attempt);
    return false;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeReport(path, report, attempt);
    return true;
  } catch (error) {
    throw fileError(error, 'written', dirname(path));
  }
}

export async function removeReport(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw fileError(error, 'written', path);
  }
}

/** The paths of all reports in a folder; none when there is no folder. */
export async function reportPaths(folder: string, ending = ENDING): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, 'read', folder);
  }
}

/** The text of a report, or null when there is none, or it has just been removed. */
export async function readReportText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, 'read', path);
  }
}

/** What is in a report, or undefined when it has just been removed. */
async function readReport(path: string): Promise<unknown> {
  const text = await readReportText(path);
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown): KillSwitchError =>
  new KillSwitchError('CORRUPT', `${path} is not what an executor writes: ${messageOf(error)}. Remove it.`, {
    cause: error,
  });

/** The generations that executors have reported forks against. @throws KillSwitchError CORRUPT: a report that cannot be read may be one */
export async function reportedForks({ forks }: FilePaths): Promise<Array<{ readonly against: string }>> {
  const found: Array<{ readonly against: string }> = [];
  for (const path of await reportPaths(forks)) {
    const report = await readReport(path);
    if (report === undefined) continue;
    const against: unknown =
      typeof report === 'object' && report !== null && 'against' in report ? report.against : undefined;
    if (typeof against !== 'string') throw unreadable(path, new Error('it does not name a generation'));
    found.push({ against });
  }
  return found;
}

const LONG_AGO = '1970-01-01T00:00:00.000Z';

/**
 * All beats. One that cannot be read still counts, as an executor that has applied nothing and was last heard of long ago:
 * otherwise a kill would seem to have reached everyone. `onUnreadable` is told.
 */
export async function readBeats({ beats }: FilePaths, onUnreadable: (error: unknown) => void): Promise<Beat[]> {
  const found: Beat[] = [];
  for (const path of await reportPaths(beats)) {
    try {
      const report = await readReport(path);
      if (report === undefined) continue;
      const parsed = beatSchema.safeParse(report);
      if (!parsed.success) throw unreadable(path, parsed.error);
      found.push(parsed.data);
    } catch (error) {
      onUnreadable(error);
      found.push({ ...UNREADABLE, id: idOfFileName(path.slice(dirname(path).length + 1, -ENDING.length)) });
    }
  }
  return found;
}

const UNREADABLE: Omit<Beat, 'id'> = {
  name: '(unreadable report)',
  host: '',
  pid: 0,
  version: '',
  started_at: LONG_AGO,
  at: LONG_AGO,
  lease_ms: 0,
  applied: null,
  in_flight: 0,
  draining: 0,
  agents: [],
  runs: [],
  fork: null,
};

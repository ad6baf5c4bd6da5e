import { lstat } from 'node:fs/promises';
import { basename } from 'node:path';
import { textProblem, messageOf } from '../../flags/index.ts';
import { LONGEST_BEAT, readBeat, type ReportedBeat, unreadableBeat } from '../beats.ts';
import { type Bounds, fairShares, type Found, leftOut, wholeFiles } from './fair-share.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { FOR_ALL, type Kept, namesIn, putKept, readKept, removeKept } from './kept.ts';
import { fileName, type FilePaths, idOfFileName } from './paths.ts';

const ENDING = '.json';

/** What is read of all reports of one kind; each user has a fair share of it. */
const BOUNDS = { total: 64 * 1024 * 1024, most: 2000 };

/** How many files are read at the same time. */
const AT_ONCE = 8;

const nameOf = (id: string): string => fileName(id) + ENDING;

/** The id that a report is shown under: of a name that this package would not give, the name itself. */
export function idOfReport(name: string): string {
  const stem = name.slice(0, -ENDING.length);
  const id = idOfFileName(stem);
  return textProblem(id) === null && fileName(id) === stem ? id : stem;
}

/** True for what is shown as an id and is the name of a file that this package would not make. */
const isForeignName = (stem: string): boolean =>
  basename(stem) === stem && Buffer.byteLength(stem) <= 250 && idOfReport(stem + ENDING) === stem;

/** Puts a report in place of an older one. */
export const putReport = (root: string, folder: string, id: string, text: string): Promise<void> =>
  inFolderMade(root, folder, (open) => putKept(open, nameOf(id), text));

/** Puts a beat in place of the last one. Resolves to whether their folder had to be made. */
export const putBeat = ({ root, beats }: FilePaths, id: string, text: string): Promise<boolean> =>
  inFolderMade(root, beats, async (open, made) => {
    await putKept(open, nameOf(id), text, { mode: FOR_ALL });
    return made;
  });

/** Removes a report, by its id or by what an unreadable one is shown as. */
export async function removeReport(root: string, folder: string, id: string): Promise<void> {
  await inFolder(root, folder, async (open) => {
    if (textProblem(id) === null) await removeKept(open, nameOf(id));
    if (isForeignName(id)) await removeKept(open, id + ENDING);
  });
}

/** One report, or null when there is none. */
export const readReport = (root: string, folder: string, id: string, longest: number): Promise<Kept | null> =>
  inFolder(root, folder, (open) => readKept(open, nameOf(id), longest));

/** Whether a report may be one of this writer's, as `ReportedBeat.writer` names it; undefined: of any. */
export async function isOf(writer: string | undefined, root: string, folder: string, id: string): Promise<boolean> {
  if (writer === undefined || textProblem(id) !== null) return true;
  const kept = await readReport(root, folder, id, Number.POSITIVE_INFINITY);
  return kept === null || 'problem' in kept || `uid ${kept.owner}` === writer;
}

export interface Report {
  readonly name: string;
  readonly kept: Kept;
}

/** How many bytes one report may have, and how many reports are read at most; `onRead` is called as reading gets on. */
interface Wanted {
  readonly longest: number;
  readonly most?: number;
  readonly onRead?: (() => void) | undefined;
}

/**
 * All reports in a folder, as many as are bearable. Never rejects: what is wrong with the folder itself, or was left out, is the `problem`.
 */
export async function readReports(
  root: string,
  folder: string,
  { longest, most = BOUNDS.most, onRead }: Wanted,
): Promise<{ readonly reports: readonly Report[]; readonly problem: string | null }> {
  try {
    return (
      (await inFolder(root, folder, (open) => readAll(open, { ...BOUNDS, most, longest }, onRead))) ?? {
        reports: [],
        problem: null,
      }
    );
  } catch (error) {
    return { reports: [], problem: messageOf(error) };
  }
}

async function readAll(
  open: OpenFolder,
  bounds: Bounds,
  onRead: () => void = () => {},
): Promise<{ readonly reports: readonly Report[]; readonly problem: string | null }> {
  const { shares, problem } = await fairShares(open, { ending: ENDING, bounds, onStep: onRead });
  const reports: Report[] = [];
  const read = async ({ name }: Found): Promise<Report | null> => {
    const kept = await readKept(open, name, bounds.longest);
    return kept && { name, kept };
  };
  const chosen = shares.map((share) => wholeFiles(share, bounds));
  const files = chosen.flat();
  for (let index = 0; index < files.length; index += AT_ONCE) {
    const some = await Promise.all(files.slice(index, index + AT_ONCE).map(read));
    reports.push(...some.filter((report) => report !== null));
    onRead();
  }
  const left = shares.map(({ owner, files }, index) => ({ owner, left: files.length - (chosen[index]?.length ?? 0) }));
  const problems = [problem, leftOut(open.path, left)].filter((each) => each !== null);
  return { reports, problem: problems.length === 0 ? null : problems.join('; ') };
}

/** Removes the oldest reports where there are more than so many, as far as this user may. */
export async function keepNewest(root: string, folder: string, most: number): Promise<void> {
  await inFolder(root, folder, async (open) => {
    const { names } = await namesIn(open, ENDING, 2 * most);
    if (names.length <= most) return;
    const found = await Promise.all(
      names.map(async (name) => ({
        name,
        at: await lstat(open.at(name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      })),
    );
    const over = found.sort((a, b) => a.at - b.at).slice(0, names.length - most);
    for (const { name } of over) await removeKept(open, name).catch(() => {}); // it stays, then, for whoever may remove it
  });
}

/** All beats. One that cannot be read still counts, and so does a folder that cannot: otherwise a kill would seem to have reached everyone. */
export async function readBeats({ root, beats }: FilePaths, onRead?: () => void): Promise<ReportedBeat[]> {
  const { reports, problem } = await readReports(root, beats, { longest: LONGEST_BEAT, onRead });
  const found = reports.map(({ name, kept }) =>
    'problem' in kept
      ? unreadableBeat(idOfReport(name), kept.problem)
      : { ...readBeat(idIn(kept.text, name), kept.text), writer: `uid ${kept.owner}` },
  );
  return problem === null ? found : [...found, unreadableBeat(beats, problem)];
}

/** Whose report it is: the file's name says so, and where that was cut to fit the file system the report does, if it is the one that belongs there. */
export function idIn(text: string, name: string): string {
  const id = idOfReport(name);
  if (!id.includes('~')) return id;
  try {
    const { id: given } = JSON.parse(text) as { id?: unknown };
    return typeof given === 'string' && textProblem(given) === null && nameOf(given) === name ? given : id;
  } catch {
    return id;
  }
}

import { lstat } from 'node:fs/promises';
import { basename } from 'node:path';
import { textProblem, messageOf } from '../../flags/index.ts';
import { LONGEST_BEAT, readBeat, type ReportedBeat, unreadableBeat } from '../beats.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { type Kept, namesIn, putKept, readKept, removeKept } from './kept.ts';
import { fileName, type FilePaths, idOfFileName } from './paths.ts';

const ENDING = '.json';

/** How many reports of one kind are read at most. */
const MOST_REPORTS = 10_000;

/** What all reports of one kind may have together, in bytes. */
const MOST_BYTES = 64 * 1024 * 1024;

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

/** Puts a report in place of an older one. Resolves to whether its folder had to be made. */
export const putReport = (root: string, folder: string, id: string, text: string): Promise<boolean> =>
  inFolderMade(root, folder, async (open, made) => {
    await putKept(open, nameOf(id), text);
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

export interface Report {
  readonly name: string;
  readonly kept: Kept;
}

/**
 * All reports in a folder, as many as are bearable. Never rejects: what is wrong with the folder itself is the `problem`.
 * @param longest what one report may have, in bytes
 */
export async function readReports(
  root: string,
  folder: string,
  longest: number,
): Promise<{ readonly reports: readonly Report[]; readonly problem: string | null }> {
  try {
    return (await inFolder(root, folder, (open) => readAll(open, longest))) ?? { reports: [], problem: null };
  } catch (error) {
    return { reports: [], problem: messageOf(error) };
  }
}

async function readAll(
  open: OpenFolder,
  longest: number,
): Promise<{ readonly reports: readonly Report[]; readonly problem: string | null }> {
  const { names, more } = await namesIn(open, ENDING, MOST_REPORTS);
  const reports: Report[] = [];
  let bytes = 0;
  const read = async (name: string): Promise<Report | null> => {
    const kept: Kept | null =
      bytes > MOST_BYTES ? { problem: 'too much is written here to read it all' } : await readKept(open, name, longest);
    if (kept && 'text' in kept) bytes += kept.text.length;
    return kept && { name, kept };
  };
  for (let index = 0; index < names.length; index += AT_ONCE) {
    const some = await Promise.all(names.slice(index, index + AT_ONCE).map(read));
    reports.push(...some.filter((report) => report !== null));
  }
  const problem = more
    ? `there are more than ${MOST_REPORTS} files in ${open.path}, and the others were not read`
    : null;
  return { reports, problem };
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
export async function readBeats({ root, beats }: FilePaths): Promise<ReportedBeat[]> {
  const { reports, problem } = await readReports(root, beats, LONGEST_BEAT);
  const found = reports.map(({ name, kept }) =>
    'problem' in kept
      ? unreadableBeat(idOfReport(name), kept.problem)
      : { ...readBeatFile(name, kept.text), writer: `uid ${kept.owner}` },
  );
  return problem === null ? found : [...found, unreadableBeat(beats, problem)];
}

/** A name that was cut to fit the file system does not say its id: the beat does. */
function readBeatFile(name: string, text: string): ReportedBeat {
  const id = idOfReport(name);
  if (!id.includes('~')) return readBeat(id, text);
  const own = readBeat(idIn(text) ?? id, text);
  return own.problem === undefined && nameOf(own.id) === name ? own : readBeat(id, text);
}

/** The id that a report says it has. */
export function idIn(text: string): string | null {
  try {
    const { id } = JSON.parse(text) as { id?: unknown };
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}

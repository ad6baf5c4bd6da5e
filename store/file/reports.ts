import { lstatSync } from 'node:fs';
import { textProblem, messageOf } from '../../flags/index.ts';
import { type Bounds, fairShares, wholeFiles } from './fair-share.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { FOR_ALL, isOwn, type Kept, putKept, readKept, removeKept } from './kept.ts';
import type { FilePaths } from './paths.ts';
import { ENDING, isForeignName, isShared, nameOf, otherNames, ownName, ownNames, randomName } from './report-names.ts';
import { type OwnedFile, Walk } from './walk.ts';
import { uidWriter } from '../writers.ts';

/** How much is read of all reports of one kind; each user has a fair share of it. */
const BOUNDS = { total: 64 * 1024 * 1024, most: 2000 };

/** How many files are read at the same time. */
const AT_ONCE = 8;

/** A folder of reports, below the store's `root`. */
export interface ReportFolder {
  readonly root: string;
  readonly folder: string;
}

/**
 * Puts a report in the place of this user's older one. Where another user has taken its first name, it gets a name that
 * nobody can foresee.
 */
export const putReport = ({ root, folder }: ReportFolder, id: string, text: string): Promise<void> =>
  inFolderMade(root, folder, async (open) => {
    const name = await ownName(open, id);
    try {
      await putKept(open, name, text);
    } catch (error) {
      if (name !== nameOf(id) || !isShared(open)) throw error;
      await putKept(open, randomName(id) + ENDING, text); // another user has taken the first name at this moment
    }
  });

/** Puts a beat in the place of the last one. Resolves to whether the folder of beats had to be made. */
export const putBeat = ({ root, beats }: FilePaths, id: string, text: string): Promise<boolean> =>
  inFolderMade(root, beats, async (open, made) => {
    await putKept(open, nameOf(id), text, { mode: FOR_ALL });
    return made;
  });

/** Removes the reports of this id that this user has put there. */
export async function removeReport({ root, folder }: ReportFolder, id: string): Promise<void> {
  await inFolder(root, folder, async (open) => {
    for (const name of await ownNames(open, id)) await removeKept(open, name);
  });
}

/**
 * The last report of this id that this user has put there, or null. Reports of other users under this id do not count.
 */
export const readReport = ({ root, folder }: ReportFolder, id: string, longest: number): Promise<Kept | null> =>
  inFolder(root, folder, async (open) => {
    const [name] = await ownNames(open, id);
    return name === undefined ? null : readKept(open, name, longest);
  });

/**
 * Removes the reports of an id, or of what an unreadable one is shown as, for an operator. `writer`: only those of this
 * one, as `ReportedBeat.writer` names it; undefined: whoever has written them.
 */
export async function forgetReports({ root, folder }: ReportFolder, id: string, writer?: string): Promise<void> {
  await inFolder(root, folder, async (open) => {
    const found = (name: string) => ({ name, owner: lstatSync(open.at(name), { throwIfNoEntry: false })?.uid });
    const names = textProblem(id) === null ? [found(nameOf(id)), ...(await otherNames(open, id))] : [];
    if (isForeignName(id)) names.push(found(id + ENDING));
    for (const { name, owner } of names)
      if (writer === undefined || (owner !== undefined && writer === uidWriter(owner))) await removeKept(open, name);
  });
}

export interface Report {
  readonly name: string;
  readonly owner: number;
  readonly kept: Kept;
}

/** How many reports of one user were not read. */
interface Left {
  readonly owner: number;
  readonly left: number;
}

/** The reports that were read in a folder, the newest of each user first. */
export interface ReadReports {
  readonly reports: readonly Report[];
  readonly left: readonly Left[];
  /** What is wrong with the folder itself. */
  readonly problem: string | null;
}

/**
 * How many bytes one report may have, how many reports are read at most, and of which users only a few are; `onRead` is
 * called as reading gets on.
 */
interface Wanted {
  readonly longest: number;
  readonly most?: number;
  readonly isLittle?: ((owner: number) => boolean) | undefined;
  readonly onRead?: (() => void) | undefined;
}

/** The reports in a folder, within the bounds, in fair shares for each user. Never rejects. */
export async function readReports(
  { root, folder }: ReportFolder,
  { longest, most = BOUNDS.most, ...wanted }: Wanted,
): Promise<ReadReports> {
  try {
    const bounds = { ...BOUNDS, most, longest };
    return (await inFolder(root, folder, (open) => readAll(open, { ...wanted, bounds }))) ?? NONE;
  } catch (error) {
    return { ...NONE, problem: messageOf(error) };
  }
}

const NONE: ReadReports = { reports: [], left: [], problem: null };

async function readAll(
  open: OpenFolder,
  { bounds, isLittle, onRead = () => {} }: Omit<Wanted, 'longest' | 'most'> & { readonly bounds: Bounds },
): Promise<ReadReports> {
  const { shares, problem } = await fairShares(open, { ending: ENDING, bounds, isLittle, onStep: onRead });
  const reports: Report[] = [];
  const left: Left[] = [];
  for (const share of shares) {
    const files = wholeFiles(share, bounds);
    left.push({ owner: share.owner, left: share.count - files.length });
    for (let index = 0; index < files.length; index += AT_ONCE) {
      const some = await Promise.all(
        files.slice(index, index + AT_ONCE).map(async ({ name }): Promise<Report | null> => {
          const kept = await readKept(open, name, bounds.longest);
          return kept && { name, owner: share.owner, kept };
        }),
      );
      reports.push(...some.filter((report) => report !== null));
      onRead();
    }
  }
  return { reports, left, problem };
}

/** How many of a user's files are kept, and for how long after they were last changed (default: for ever). */
interface Keeping {
  readonly most: number;
  readonly forMs?: number;
  readonly ending?: string;
}

/**
 * Removes this user's oldest reports where there are more than `most`, and those that have not changed for `forMs`.
 * Reports of other users do not count towards it.
 */
export async function keepNewest(
  { root, folder }: ReportFolder,
  { most, forMs = Number.POSITIVE_INFINITY, ending = ENDING }: Keeping,
): Promise<void> {
  await inFolder(root, folder, async (open) => {
    const own: OwnedFile[] = [];
    for await (const files of new Walk(open, '', ending).all(open))
      own.push(...files.filter(({ owner }) => isOwn(owner)));
    const now = Date.now();
    // One from the future was written while this machine's clock was wrong: it would never get old.
    const isOld = ({ changedMs }: OwnedFile): boolean => Math.abs(now - changedMs) > forMs;
    const over = own.sort((a, b) => b.changedMs - a.changedMs).filter((file, index) => index >= most || isOld(file));
    for (const { name } of over) await removeKept(open, name).catch(() => {}); // another process removes it
  });
}

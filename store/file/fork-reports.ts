import { type FoundReport, isExcluded, isKillSwitchError, type Known, messageOf } from '../../flags/index.ts';
import type { Flood, FoundReports } from '../capabilities/forks.ts';
import { readForkReport } from '../read-fork-report.ts';
import { divide } from './fair-share.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { readKept } from './kept.ts';
import { fileName, type FilePaths } from './paths.ts';
import { idOfReport } from './report-names.ts';
import { type OwnedFile, Walk } from './walk.ts';
import { uidWriter } from '../writers.ts';

/**
 * How many reports against one generation are read at most, in fair shares for each user. A user with more files than
 * that counts as reporting a fork, unless excluded: a flood of files must not hide a true report.
 */
export const MOST_REPORTS = 1000;

/** The longest report that is read, in bytes. */
const LONGEST = 4096;

/** How much operators look through at once. */
const STEP = { names: 10_000, files: 2000 };

/** How the names of all reports against one generation begin. */
export const beginningOf = (generation: string): string => `${fileName(generation)}.`;

/** The writer of a file, as operators name it. */
export const uidOf = ({ owner }: Pick<OwnedFile, 'owner'>): string => uidWriter(owner);

/** A walk through the files that may be reports against this generation. */
export const walkThrough = (open: OpenFolder, generation: string): Walk =>
  new Walk(open, beginningOf(generation), '.json');

/** Reads one report; null where it cannot be read, since it then proves nothing. */
export async function readFork(open: OpenFolder, { name: file }: OwnedFile): Promise<FoundReport | null> {
  const kept = await readKept(open, file, LONGEST, { linked: true });
  const report = kept && 'text' in kept ? readForkReport(kept.text) : null;
  if (!kept || 'problem' in kept || !report) return null;
  const { against, held, id = idOfReport(file), name } = report;
  const known = uidOf(kept); // of these only the uid is certain
  return { id, name: name ?? known, by: name === undefined ? [known] : [known, name], against, held };
}

/** Who is not believed, and what is called as reading gets on. */
interface Reading extends Pick<Known, 'excluded'> {
  readonly onStep: () => void;
}

/** One user's files: how many there are, and as many of them as may be read. */
interface Owned {
  readonly by: readonly string[];
  readonly files: OwnedFile[];
  count: number;
}

async function filesByOwner(open: OpenFolder, generation: string, onStep: () => void): Promise<readonly Owned[]> {
  const owners = new Map<number, Owned>();
  for (const walk = walkThrough(open, generation); !walk.isOver; onStep()) {
    for (const file of await walk.next(open, STEP)) {
      const own = owners.get(file.owner) ?? { by: [uidOf(file)], files: [], count: 0 };
      owners.set(file.owner, own);
      own.count += 1;
      if (own.files.length < MOST_REPORTS) own.files.push(file);
    }
  }
  return [...owners.values()];
}

/** What operators read: as many reports as executors judge, and as many again of excluded users. */
async function reportsIn(open: OpenFolder, generation: string, { excluded, onStep }: Reading): Promise<FoundReports> {
  const owners = await filesByOwner(open, generation, onStep);
  const reports: FoundReport[] = [];
  const floods: Flood[] = [];
  for (const believed of [true, false]) {
    const some = owners.filter(({ by }) => isExcluded(by, { excluded }) !== believed);
    const wanted = some.map(({ count }) => count);
    const shares = divide(MOST_REPORTS, wanted);
    for (const [index, { by, files, count }] of some.entries()) {
      const share = shares[index] ?? 0;
      if (count > share) floods.push({ what: `${by[0]} has more files in ${open.path} than are read`, by });
      for (const file of files.slice(0, share)) {
        const report = await readFork(open, file);
        if (report) reports.push(report);
        onStep();
      }
    }
  }
  return { reports, floods };
}

/** Reads the reports that executors judge, for operators. */
export async function readForks(
  { root, forks }: FilePaths,
  generation: string,
  reading: Reading,
): Promise<FoundReports> {
  try {
    return (await inFolder(root, forks, (open) => reportsIn(open, generation, reading))) ?? NONE;
  } catch (error) {
    // This user may not read them. The beats of executors report forks as well.
    if (!isKillSwitchError(error) || error.code !== 'CORRUPT') return NONE;
    return { reports: [], floods: [{ what: messageOf(error), by: [] }] };
  }
}

const NONE: FoundReports = { reports: [], floods: [] };

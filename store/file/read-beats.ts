import { isExcluded, type Known } from '../../flags/index.ts';
import { byTurns } from '../by-turns.ts';
import { LONGEST_BEAT, readBeat, type ReportedBeat, unreadableBeat } from '../beats.ts';
import { uidOf } from './fork-reports.ts';
import type { FilePaths } from './paths.ts';
import { idIn, idOfReport } from './report-names.ts';
import { type Report, readReports } from './reports.ts';

/** How many unreadable reports of one user are shown one by one; the others are counted. */
const SHOWN = 3;

/** Whose reports do not count (`excluded`), and what is called as reading gets on. */
interface Reading extends Pick<Known, 'excluded'> {
  readonly onRead?: (() => void) | undefined;
}

/**
 * All beats: first those that can be read, alternating between users, then the others. An unreadable beat still counts,
 * and so does an unreadable folder: otherwise a kill would seem to have reached everyone. Of each user a few unreadable
 * ones are shown, and one entry stands for the rest, so that no user can flood the list. Of an excluded user only the
 * newest files are read: its reports of forks count for nothing, but an executor may be among them.
 */
export async function readBeats(
  { root, beats }: Pick<FilePaths, 'root' | 'beats'>,
  { excluded, onRead }: Reading = {},
): Promise<ReportedBeat[]> {
  const isLittle = (owner: number): boolean => isExcluded([uidOf({ owner })], { excluded });
  const { reports, left, problem } = await readReports(
    { root, folder: beats },
    { longest: LONGEST_BEAT, isLittle, onRead },
  );
  const believed: ReportedBeat[][] = [];
  const excludeds: ReportedBeat[][] = [];
  const unreadable: ReportedBeat[] = [];
  const others: ReportedBeat[] = [];
  for (const { owner, left: unread } of left) {
    const own = reports.filter((report) => report.owner === owner).map(beatOf);
    (isLittle(owner) ? excludeds : believed).push(own.filter((beat) => beat.problem === undefined));
    const bad = own.filter((beat) => beat.problem !== undefined);
    unreadable.push(...bad.slice(0, SHOWN));
    const more = Math.max(0, bad.length - SHOWN);
    if (more + unread > 0) others.push(standsFor(owner, more, unread));
  }
  const found = [...byTurns(believed), ...byTurns(excludeds), ...unreadable, ...others];
  return problem === null ? found : [...found, unreadableBeat(beats, problem)];
}

/** A report as a beat, with its writer. */
export const beatOf = ({ name, owner, kept }: Report): ReportedBeat => ({
  ...('problem' in kept ? unreadableBeat(idOfReport(name), kept.problem) : readBeat(idIn(kept.text, name), kept.text)),
  writer: uidOf({ owner }),
});

function standsFor(owner: number, unreadable: number, unread: number): ReportedBeat {
  const which = [
    ...(unreadable > 0 ? [`${unreadable} that cannot be read or believed`] : []),
    ...(unread > 0 ? [`${unread} that were not read`] : []),
  ];
  const problem = `this line stands for ${unreadable + unread} more files of this user: ${which.join(', and ')}`;
  return { ...unreadableBeat(uidOf({ owner }), problem), writer: uidOf({ owner }) };
}

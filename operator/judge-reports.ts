import { entryKey, evidenceProblem, type FoundReport, type Head, isExcluded, NOT_BELIEVED } from '../flags/index.ts';
import { namesOf, type ReportedBeat } from '../store/beats.ts';
import type { FoundReports } from '../store/capabilities/forks.ts';
import type { ControlConnection, ControlView } from '../store/ports.ts';
import type { Status } from './answers.ts';
import { whatIsLeft } from './what-is-left.ts';

/** The entries that judging reads of a switch. */
export const JUDGED_BY = [entryKey('control')] as const;

/**
 * Sorts the reports of forks into those that prove that the store has lost a change, and those that prove nothing, with
 * the reason. Executors judge the same reports, so a proven one has stopped everything. A fork that only a beat names
 * has stopped nobody but its executor.
 */
export async function judgeReports(
  beats: readonly ReportedBeat[],
  view: Pick<ControlView, 'head' | 'get'>,
  connection: Pick<ControlConnection, 'log' | 'forks' | 'dropper'>,
): Promise<Pick<Status, 'forks' | 'ignored_forks'>> {
  const forks: Array<Status['forks'][number]> = [];
  const ignored: Array<Status['ignored_forks'][number]> = [];
  const { head } = view;
  const control = view.get('control');
  if (!head || !control) return { forks, ignored_forks: ignored };
  const inBeats = beats.flatMap(reportOf);
  const { reports, floods }: FoundReports = (await connection.forks?.read(head.generation)) ?? {
    reports: inBeats,
    floods: [],
  };
  for (const { what, by } of floods) {
    if (isExcluded(by, control)) ignored.push({ executor: by.join(', '), why: NOT_BELIEVED });
    else forks.push({ executor: what, known_as: by, held: null });
  }
  const isHeard = ({ id, by, held }: FoundReport): boolean =>
    reports.some((report) => report.id === id && report.by[0] === by[0] && report.held?.hash === held?.hash);
  // Reports about an earlier generation no longer count.
  const all = [...reports, ...inBeats.filter((one) => !isHeard(one))].filter(
    ({ against }) => against === head.generation,
  );
  const why = (report: FoundReport, inLog: ReadonlySet<string>): string | null =>
    evidenceProblem(report, head, control, ({ hash }) => inLog.has(hash));
  // The log is read only where a judgement depends on it, and once for all of them.
  const doubtful = all.flatMap((report) => (report.held && why(report, new Set()) === null ? [report.held] : []));
  const found = await foundInLog(doubtful, connection);
  const begins = doubtful.length === 0 ? 0 : ((await connection.dropper?.beginning())?.head.epoch ?? 0);
  for (const report of all) {
    const { name, held, by } = report;
    const problem = why(report, found) ?? (held && held.epoch < begins ? IS_ARCHIVED : null);
    if (problem !== null) ignored.push({ executor: name, why: problem });
    else if (reports.includes(report)) forks.push({ executor: name, known_as: by, held });
    else
      ignored.push({ executor: name, why: 'only its beat says so, and not the report that other executors look for' });
  }
  return { forks, ignored_forks: ignored };
}

/** The same of a store as it is now. */
export async function forksNow(
  connection: Pick<ControlConnection, 'log' | 'forks' | 'dropper' | 'executors' | 'read'>,
): Promise<Pick<Status, 'forks' | 'ignored_forks'>> {
  const beats = await connection.executors(); // first, so that none has seen more than the head says
  return judgeReports(beats, await connection.read(JUDGED_BY), connection);
}

const reportOf = (beat: ReportedBeat): readonly FoundReport[] =>
  beat.fork ? [{ ...beat.fork, id: beat.id, name: beat.name, by: namesOf(beat) }] : [];

const IS_ARCHIVED =
  'the event that it names would be in the part of the log that is archived, so nobody can tell by it';

/** The hashes of those heads that are in the log. */
async function foundInLog(
  heads: readonly Head[],
  connection: Pick<ControlConnection, 'log'>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (heads.length === 0) return found;
  const wanted = new Set(heads.map(({ hash }) => hash));
  const epochs = heads.map(({ epoch }) => epoch);
  const last = Math.max(...epochs);
  for await (const { seq, hash } of whatIsLeft((after) => connection.log(after))(Math.min(...epochs) - 1)) {
    if (seq > last) break;
    if (wanted.has(hash)) found.add(hash);
  }
  return found;
}

import { evidenceProblem, type FoundReport, type Head, isExcluded, NOT_BELIEVED, type State } from '../flags/index.ts';
import { namesOf, type ReportedBeat } from '../store/beats.ts';
import type { ControlConnection, FoundReports } from '../store/ports.ts';
import type { Status } from './control-plane.ts';

/**
 * What is reported of forks: what proves that the store has lost a change, and what proves nothing, and why. It is what executors judge, so what is said to
 * have stopped everything has; what only a beat says has stopped nobody but its executor.
 */
export async function judgeReports(
  beats: readonly ReportedBeat[],
  { head, control }: Pick<State, 'head' | 'control'>,
  connection: Pick<ControlConnection, 'log' | 'forks'>,
): Promise<Pick<Status, 'forks' | 'ignored_forks'>> {
  const forks: Array<Status['forks'][number]> = [];
  const ignored: Array<Status['ignored_forks'][number]> = [];
  if (!head || !control) return { forks, ignored_forks: ignored };
  const told = beats.flatMap(reportOf);
  const { reports, floods }: FoundReports = (await connection.forks?.(head.generation)) ?? {
    reports: told,
    floods: [],
  };
  for (const { what, by } of floods) {
    if (isExcluded(by, control)) ignored.push({ executor: by.join(', '), why: NOT_BELIEVED });
    else forks.push({ executor: what, known_as: by, held: null });
  }
  const isHeard = ({ id, by, held }: FoundReport): boolean =>
    reports.some((report) => report.id === id && report.by[0] === by[0] && report.held?.hash === held?.hash);
  for (const report of [...reports, ...told.filter((one) => !isHeard(one))]) {
    const { name, against, held, by } = report;
    if (against !== head.generation) continue; // what speaks of a generation that is over has ended
    const problem = (isInChain: boolean): string | null => evidenceProblem(report, head, control, () => isInChain);
    // The log is read only where the answer depends on it.
    const why = problem(false) ?? problem(held !== null && (await isInLog(held, connection)));
    if (why !== null) ignored.push({ executor: name, why });
    else if (reports.includes(report)) forks.push({ executor: name, known_as: by, held });
    else
      ignored.push({ executor: name, why: 'only its beat says so, and not the report that other executors look for' });
  }
  return { forks, ignored_forks: ignored };
}

const reportOf = (beat: ReportedBeat): readonly FoundReport[] =>
  beat.fork ? [{ ...beat.fork, id: beat.id, name: beat.name, by: namesOf(beat) }] : [];

async function isInLog(held: Head, connection: Pick<ControlConnection, 'log'>): Promise<boolean> {
  for await (const event of connection.log(held.epoch - 1)) return event.hash === held.hash;
  return false;
}

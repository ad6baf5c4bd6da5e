import { evidenceProblem, type Head, type State } from '../flags/index.ts';
import { namesOf, type ReportedBeat } from '../store/beats.ts';
import type { ControlConnection } from '../store/ports.ts';
import type { Status } from './control-plane.ts';

/** What the beats report of forks: what proves that the store has lost a change, and what proves nothing, and why. */
export async function reportedForks(
  beats: readonly ReportedBeat[],
  state: State,
  connection: Pick<ControlConnection, 'log'>,
): Promise<Pick<Status, 'forks' | 'ignored_forks'>> {
  const forks: Array<Status['forks'][number]> = [];
  const ignored: Array<Status['ignored_forks'][number]> = [];
  const { head, control } = state;
  if (!head || !control) return { forks, ignored_forks: ignored };
  for (const beat of beats) {
    const { name, fork } = beat;
    if (!fork || fork.against !== head.generation) continue; // what speaks of a generation that is over has ended
    const { held } = fork;
    const by = namesOf(beat);
    const problem = (isInChain: boolean): string | null =>
      evidenceProblem({ ...fork, by }, head, control, () => isInChain);
    // The log is read only where the answer depends on it.
    const why = problem(false) ?? problem(held !== null && (await isInLog(held, connection)));
    if (why === null) forks.push({ executor: name, known_as: by, held });
    else ignored.push({ executor: name, why });
  }
  return { forks, ignored_forks: ignored };
}

async function isInLog(held: Head, connection: Pick<ControlConnection, 'log'>): Promise<boolean> {
  for await (const event of connection.log(held.epoch - 1)) return event.hash === held.hash;
  return false;
}

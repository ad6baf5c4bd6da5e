import { type ForkReport, type Head, isEvidence, isPlausibleLoss, type State } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
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
  for (const { name, fork } of beats) {
    if (!fork || fork.against !== head.generation) continue; // what speaks of a generation that is over has ended
    const { held } = fork;
    // The log is read only where the answer depends on it.
    const mayCount = isEvidence({ ...fork, by: [name] }, head, control, () => false);
    const inChain = mayCount && held !== null && (await isInLog(held, connection));
    if (mayCount && !inChain) forks.push({ executor: name, held });
    else ignored.push({ executor: name, why: whyIgnored(fork, head, state, name) });
  }
  return { forks, ignored_forks: ignored };
}

async function isInLog(held: Head, connection: Pick<ControlConnection, 'log'>): Promise<boolean> {
  for await (const event of connection.log(held.epoch - 1)) return event.hash === held.hash;
  return false;
}

function whyIgnored({ held }: ForkReport, head: Head, { control }: State, name: string): string {
  if (control?.excluded?.includes(name)) return 'an operator has said not to believe it';
  if (held === null) return 'it names no change that was lost';
  if (!control?.generations.includes(held.generation)) return 'it names a generation that this store does not know';
  if (!isPlausibleLoss(held, head)) return `it claims epoch ${held.epoch}, which nobody can have seen`;
  return `epoch ${held.epoch}, which it names, is in the log`;
}

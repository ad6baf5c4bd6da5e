import { z } from 'zod';
import { type Head, isEvidence, type Known, parseEntry } from '../../flags/index.ts';
import { readForkReport } from '../read-fork-report.ts';
import { nameOf } from './keys.ts';

/**
 * One report of a fork as the confirmation gives it: the executor's escaped name, its id, the report, and the log's
 * entry at the epoch that it holds, or ''.
 */
export type ReportedFork = readonly [name: string, id: string, text: string, entry: string];

const entrySchema = z.object({ hash: z.string() });

function hashOf(entry: string): string | null {
  try {
    return entrySchema.parse(JSON.parse(entry)).hash;
  } catch {
    return null;
  }
}

/** Whether one of these reports proves that the store has lost a change. */
function isForkProven(reports: readonly ReportedFork[], store: Head, control: string | null): boolean {
  if (control === null) return false;
  const known = parseEntry('control', JSON.parse(control)) as Known; // it gives what its key names
  return reports.some(([name, , text, entry]) => {
    const report = readForkReport(text);
    const hash = hashOf(entry);
    return report !== null && isEvidence({ ...report, by: [nameOf(name)] }, store, known, (held) => held.hash === hash);
  });
}

/**
 * What the reports came to: in which generation, at which number of changes, and behind which connection (another may
 * lead to another Redis).
 */
export interface Judgement {
  readonly generation: string;
  readonly changes: string;
  readonly stream: unknown;
  readonly proven: boolean;
}

/** Judges the reports, anew only when there is one that was not there before. */
export class JudgedForks {
  #last: Judgement | null = null;

  /**
   * What is known already of the reports against this generation, behind this connection; the store then hands them out
   * only if they have changed.
   */
  known(stream: unknown, generation: string | undefined): Judgement | null {
    const last = this.#last;
    return last?.stream === stream && last?.generation === generation ? last : null;
  }

  /**
   * Whether the store is known to have lost a change.
   * @param judged what was known when it was asked
   */
  isProven(
    answer: {
      readonly head: Head;
      readonly changes: string;
      readonly reports: readonly ReportedFork[];
      readonly control: string | null;
      readonly isFlood: boolean;
      readonly stream: unknown;
    },
    judged: Judgement | null,
  ): boolean {
    const { head, changes, reports, control, isFlood, stream } = answer;
    const { generation } = head;
    if (judged?.changes === changes) {
      if (judged.generation === generation) return judged.proven;
      // another generation with the same number of changes: they were not handed out, and are asked for with the next
      // confirmation
      this.#last = null;
      return false;
    }
    const proven = isFlood || isForkProven(reports, head, control); // a flood must not hide a true report
    this.#last = { generation, changes, stream, proven };
    return proven;
  }
}

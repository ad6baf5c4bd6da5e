import { z } from 'zod';
import { type Head, isEvidence, parseEntryOf } from '../../flags/index.ts';
import { readForkReport } from '../read-fork-report.ts';
import { nameOf } from './keys.ts';

/**
 * One report of a fork in a confirmation's answer: the executor's escaped name, its id, the report, and the log's entry
 * at the epoch of the head that it holds, or ''.
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
  const known = parseEntryOf('control', JSON.parse(control));
  return reports.some(([name, , text, entry]) => {
    const report = readForkReport(text);
    const hash = hashOf(entry);
    return report !== null && isEvidence({ ...report, by: [nameOf(name)] }, store, known, (held) => held.hash === hash);
  });
}

/**
 * What was found when the reports were judged: for which generation, at which number of changes, and on which
 * connection (another may lead to another Redis).
 */
export interface Judgement {
  readonly generation: string;
  readonly changes: string;
  readonly stream: unknown;
  readonly proven: boolean;
}

/** Judges the reports, and again only when there is a new one. */
export class JudgedForks {
  #last: Judgement | null = null;

  /**
   * What is known of the reports against this generation on this connection; null where nothing is. The store then
   * hands them out only if they have changed.
   */
  known(stream: unknown, generation: string | undefined): Judgement | null {
    const last = this.#last;
    return last?.stream === stream && last?.generation === generation ? last : null;
  }

  /**
   * Whether a report proves that the store has lost a change.
   * @param judged what was known when the store was asked
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
      // another generation with the same number of changes: the reports were not handed out, so the next confirmation
      // asks for them
      this.#last = null;
      return false;
    }
    const proven = isFlood || isForkProven(reports, head, control); // a flood must not hide a true report
    this.#last = { generation, changes, stream, proven };
    return proven;
  }
}

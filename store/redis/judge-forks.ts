import { z } from 'zod';
import { type Head, isEvidence, type Known, parseEntry } from '../../flags/index.ts';
import { readForkReport } from '../read-fork-report.ts';
import { nameOf } from './keys.ts';

/** One report of a fork as the confirmation gives it: the executor's escaped name, its id, the report, and the log's entry at the epoch that it holds, or ''. */
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
export function isForkProven(reports: readonly ReportedFork[], store: Head, control: string | null): boolean {
  if (control === null) return false;
  const known = parseEntry('control', JSON.parse(control)) as Known;
  return reports.some(([name, , text, entry]) => {
    const report = readForkReport(text);
    const hash = hashOf(entry);
    return report !== null && isEvidence({ ...report, by: [nameOf(name)] }, store, known, (held) => held.hash === hash);
  });
}

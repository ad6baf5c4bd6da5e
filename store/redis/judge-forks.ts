import { type ForkReport, type Head, headSchema, isEvidence, type Known, parseEntry } from '../../flags/index.ts';
import { z } from 'zod';
import { nameOf } from './keys.ts';

/** One report of a fork as the confirmation gives it: the executor's escaped name, its id, the report, and the log's entry at the epoch that it holds, or ''. */
export type ReportedFork = readonly [name: string, id: string, text: string, entry: string];

const reportSchema = z.object({ against: z.string(), held: headSchema.nullable() });

const parseOr = <T>(schema: z.ZodType<T>, text: string): T | null => {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

/** What a report says; null for one that cannot be read. */
export const parseFork = (text: string): ForkReport | null => parseOr(reportSchema, text);

/**
 * Whether one of these reports proves that the store has lost a change. One that cannot be read proves nothing: an executor that has seen a fork writes a
 * readable one, and whoever may write something unreadable could otherwise stop everyone.
 */
export function isForkProven(reports: readonly ReportedFork[], store: Head, control: string | null): boolean {
  if (control === null) return false;
  const known = parseEntry('control', JSON.parse(control)) as Known;
  return reports.some(([name, , text, entry]) => {
    const report = parseFork(text);
    const hash = entry === '' ? null : (parseOr(z.object({ hash: z.string() }), entry)?.hash ?? null);
    return report !== null && isEvidence({ ...report, by: [nameOf(name)] }, store, known, (held) => held.hash === hash);
  });
}

import { z } from 'zod';
import { type ForkReport, forkReportSchema } from '../flags/index.ts';

/**
 * The id and the name that an executor gives itself in its report are only shown: they prove nothing about who wrote
 * it.
 */
const schema = forkReportSchema.extend({
  id: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
});

/**
 * Reads a report of a fork as a store keeps it; null where it cannot be read. An unreadable report proves nothing: an
 * executor that has seen a fork writes a readable one with each beat, and if unreadable ones counted, any user who may
 * write there could stop everyone.
 */
export function readForkReport(
  text: string,
): (ForkReport & { id?: string | undefined; name?: string | undefined }) | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

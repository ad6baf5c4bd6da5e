import { z } from 'zod';
import { type ForkReport, forkReportSchema } from '../flags/index.ts';

/** What an executor calls itself in its report is for showing; who wrote it the store knows, or nobody does. */
const schema = forkReportSchema.extend({
  id: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
});

/**
 * A report of a fork as a store keeps it; null for one that cannot be read. That proves nothing: an executor that has
 * seen a fork writes a readable one with each beat, and counting what is unreadable would let whoever may write
 * anything stop everyone.
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

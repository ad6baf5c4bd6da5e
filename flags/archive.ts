import { z } from 'zod';
import { hashSchema, headSchema } from './records.ts';

/** Says which part of a log is archived, and how whoever has that part can prove it. */
export const archiveSchema = z.strictObject({
  /** The last event that is archived, as a head. It is also the first one that the log keeps. */
  head: headSchema,
  /** How many events there are up to it. */
  events: z.int().min(1),
  /** The hash of the first event of the log, which no other log has. */
  first: hashSchema,
  /** SHA-256 of the state there: `stateDigest`. */
  digest: hashSchema,
  /** SHA-256 of the bytes of the file as it was written then. */
  file: hashSchema,
});

/** What {@link archiveSchema} accepts. */
export type ArchivedPart = z.infer<typeof archiveSchema>;

import { canonicalize } from 'json-canonicalize';
import { z } from 'zod';
import { actorSchema, epochSchema, membersSchema, timeSchema } from './records.ts';

/** How many requests may be open at once, of all and of one person; and how long each, and all, may be as JSON. */
export const REQUEST_BOUNDS = Object.freeze({ all: 100, ofOne: 20, characters: 65_536, inAll: 1_048_576 });

/** A change that gives authority back and waits for another person. */
export const requestSchema = z.strictObject({
  id: z.string().min(1).max(100),
  /** The command as it was asked for: its type, and what it would change. */
  change: membersSchema,
  reason: z.string().nullable(),
  asked_by: actorSchema,
  asked_at: timeSchema,
  /** The epoch that the asking person had read: what was restricted since is not given back by it. */
  epoch: z.union([z.literal(0), epochSchema]),
  expires_at: timeSchema,
});

/** A change that waits for another person. */
export interface Request extends z.infer<typeof requestSchema> {}

/** The members of a command that say how it is asked for, and not what it changes. */
const OF_ASKING: ReadonlySet<string> = new Set([
  ...['reason', 'reasonProblem', 'epoch'],
  ...['breakGlass', 'grants', 'evidence'],
]);

/** What a command changes: the same for everybody who asks for it, in whatever order its members stand. */
export const changeOf = (command: object): Record<string, unknown> => {
  const members: Array<[string, unknown]> = Object.entries(command);
  return Object.fromEntries(members.filter(([name, value]) => value !== undefined && !OF_ASKING.has(name)));
};

/** True for two commands that change the same. */
export const isSameChange = (one: object, other: object): boolean =>
  canonicalize(changeOf(one)) === canonicalize(changeOf(other));

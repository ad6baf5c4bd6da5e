import { z } from 'zod';
import { actorSchema, timeSchema } from './records.ts';

/** How many kinds of refused attempts are remembered. */
const MOST_REMEMBERED = 100;

/** How long the same attempt is only counted after it was recorded, in milliseconds: longer each time. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [60_000, 3_600_000];

/** After so long without it, it is recorded at once again, in milliseconds. */
const FORGOTTEN_MS = 86_400_000;

/** How many attempts are recorded in a minute at most: of one person, and of all. */
const [MOST_OF_ONE, MOST_OF_ALL] = [10, 60];

/** What somebody has tried and was refused: who, what, and why. */
export const attemptedSchema = z.strictObject({
  by: actorSchema.max(600),
  /** The type of the command. */
  command: z.string().min(1).max(100),
  /** What it was to change, as it was typed; null where it names nothing. */
  target: z.string().max(600).nullable(),
  code: z.string().min(1).max(100),
});

/** What somebody has tried and was refused. */
export interface Attempted extends z.infer<typeof attemptedSchema> {}

/** The same attempt, as often as it was recorded. */
export const attemptSchema = z.strictObject({
  ...attemptedSchema.shape,
  /** How many attempts the log has of it. */
  count: z.int().min(1),
  /** How many events say so since it was last quiet. */
  recorded: z.int().min(1),
  at: timeSchema,
});

/** The same attempt, as often as it was recorded. */
export interface Attempt extends z.infer<typeof attemptSchema> {}

const isSame = (one: Attempted, other: Attempted): boolean =>
  one.by === other.by && one.command === other.command && one.target === other.target && one.code === other.code;

const ageOf = ({ at }: Attempt, now: string): number => Date.parse(now) - Date.parse(at);

/**
 * How long it has to wait until it is recorded, in milliseconds; 0: it is recorded now. So repeats can neither fill the
 * disk nor keep others from the log.
 */
export function waitOf(attempted: Attempted, last: readonly Attempt[], now: string): number {
  const same = last.find((each) => isSame(each, attempted));
  const age = same ? ageOf(same, now) : FORGOTTEN_MS;
  if (same && age < FORGOTTEN_MS) {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(same.recorded - 1, 10));
    if (age < wait) return wait - age;
  }
  const recent = last.filter((each) => ageOf(each, now) < FIRST_WAIT_MS);
  const own = recent.filter(({ by }) => by === attempted.by);
  return own.length < MOST_OF_ONE && recent.length < MOST_OF_ALL ? 0 : FIRST_WAIT_MS;
}

/** What is remembered after so many more of the same. */
export function withAttempts(
  last: readonly Attempt[],
  attempted: Attempted,
  { count, at }: Pick<Attempt, 'count' | 'at'>,
): Attempt[] {
  const before = last.find((each) => isSame(each, attempted));
  const isKnown = before !== undefined && ageOf(before, at) < FORGOTTEN_MS;
  const after: Attempt = {
    ...attempted,
    count: (isKnown ? before.count : 0) + count,
    recorded: (isKnown ? before.recorded : 0) + 1,
    at,
  };
  return [...last.filter((each) => each !== before), after].slice(-MOST_REMEMBERED);
}

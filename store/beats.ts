import { type Beat, beatSchema, LEASE_MS, quoteId } from '../flags/index.ts';

/**
 * The last beat of an executor as operators read it. A beat is a report, not a rule: whatever is in it, reading it
 * never throws.
 */
export interface ReportedBeat extends Beat {
  /**
   * Why it cannot be read, or be believed. Such an executor counts as silent, never as stopped; what could be read of
   * it is there.
   */
  readonly problem?: string;
  /**
   * Who has written it, as far as the store knows: the owner of the file (`uid 1000`), or the name under whose key it
   * is (`name mailer`), which is as good as Redis' users are confined to their names. Two with one writer cannot be
   * told apart: each could have written for the other. Absent where the store cannot tell.
   */
  readonly writer?: string;
}

/**
 * Under which names the reporter is known when it is judged (`FoundReport.by`): where the store keeps each name apart
 * that name alone, whatever the beat says of itself; else what it says, and who owns the file.
 */
export function namesOf({ name, writer }: Pick<ReportedBeat, 'name' | 'writer'>): readonly string[] {
  if (writer === undefined) return [name];
  const kept = /^name (.*)$/s.exec(writer)?.[1];
  return kept === undefined ? [writer, name] : [kept];
}

/** The longest beat that is read, in bytes. */
export const LONGEST_BEAT = 1024 * 1024;

/** What an executor that cannot be read is shown as: it has applied nothing, and was last heard of long ago. */
const UNREADABLE: Omit<Beat, 'id'> = {
  name: '(unreadable report)',
  host: '',
  pid: 0,
  version: '',
  started_at: '1970-01-01T00:00:00.000Z',
  at: '1970-01-01T00:00:00.000Z',
  lease_ms: 0,
  applied: null,
  in_flight: 0,
  draining: 0,
  agents: [],
  runs: [],
  fork: null,
};

const MEMBERS = Object.keys(beatSchema.shape) as (keyof Beat)[];

/**
 * A beat of which nothing is known but whose it is. It still counts: otherwise a kill would seem to have reached
 * everyone.
 */
export const unreadableBeat = (id: string, problem: string): ReportedBeat => ({ ...UNREADABLE, id, problem });

/**
 * What an older version did not write. Of work in flight that does not say what a restriction has reached, all may be
 * reached.
 */
const withDefaults = (given: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  host: '',
  pid: 0,
  version: '',
  started_at: given['at'],
  in_flight: 0,
  draining: given['in_flight'] ?? 0,
  agents: [],
  runs: [],
  fork: null,
  ...given,
});

/**
 * One beat, from what was stored under that id. Members that an older version did not write have a default, those that
 * only a newer one knows are passed over.
 */
export function readBeat(id: string, text: string): ReportedBeat {
  if (Buffer.byteLength(text) > LONGEST_BEAT)
    return unreadableBeat(id, `it has ${Buffer.byteLength(text)} bytes, more than the ${LONGEST_BEAT} that are read`);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return unreadableBeat(id, 'it is not JSON');
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return unreadableBeat(id, 'it is not a JSON object');
  const members = withDefaults(given as Record<string, unknown>);
  const parsed = beatSchema.safeParse({ ...members, id });
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  const broken = new Set(parsed.success ? [] : parsed.error.issues.map(({ path }) => path[0]));
  const readable = parsed.success ? parsed.data : pick(members, broken);
  if (members['id'] !== id) problems.unshift(`it names another executor, ${quoteId(members['id'])}`);
  if ((readable.lease_ms ?? 0) > LEASE_MS.max)
    problems.push(`lease_ms: ${readable.lease_ms} is longer than any lease (${LEASE_MS.max})`);
  const problem = bounded(problems);
  return { ...UNREADABLE, ...readable, id, ...(problem !== null && { problem }) };
}

function pick(members: Readonly<Record<string, unknown>>, broken: ReadonlySet<unknown>): Partial<Beat> {
  return Object.fromEntries(MEMBERS.filter((name) => !broken.has(name)).map((name) => [name, members[name]]));
}

const SHOWN = 3;

const bounded = (problems: readonly string[]): string | null => {
  if (problems.length === 0) return null;
  const more = problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : '';
  return `${problems.slice(0, SHOWN).join('; ').slice(0, 300)}${more}`;
};

import { type Beat, beatSchema, LEASE_MS, quoteId } from '../flags/index.ts';
import { isJsonObject } from '../flags/json-object.ts';
import { keysOf } from '../flags/table.ts';
import { writersName } from './writers.ts';

/**
 * The last beat of an executor as operators read it. A beat is a report, not a rule: whatever is in it, reading it
 * never throws.
 */
export interface ReportedBeat extends Beat {
  /**
   * Why the beat cannot be read, or not be believed. Such an executor counts as silent, never as stopped. The members
   * that could be read are there.
   */
  readonly problem?: string;
  /**
   * Who wrote the beat, as far as the store knows: the owner of the file (`uid 1000`), or the name whose key it is in
   * (`name mailer`), which proves as much as the ACL that confines Redis users to their names. Executors with the same
   * writer could have written for each other. Absent where the store cannot tell.
   */
  readonly writer?: string;
  /**
   * When the store was given the beat, by the store's clock, RFC 3339 UTC; the lease began no later. Absent where this
   * machine's clock is the store's, so that `at` says the same, and in beats of older versions.
   */
  readonly heard_at?: string;
}

/**
 * The names under which a reporter is judged (`FoundReport.by`). Where the store keeps each name apart: that name
 * alone, whatever the beat says. Else the name in the beat, and the owner of the file.
 */
export function namesOf({ name, writer }: Pick<ReportedBeat, 'name' | 'writer'>): readonly string[] {
  if (writer === undefined) return [name];
  const kept = writersName(writer);
  return kept === null ? [writer, name] : [kept];
}

/** The longest beat that is read, in bytes. */
export const LONGEST_BEAT = 1024 * 1024;

/** Stands for an executor whose beat cannot be read: it has applied nothing, and was last heard of long ago. */
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

const MEMBERS = keysOf(beatSchema.shape);

/**
 * A beat of which only the id is known. The executor still counts: otherwise a kill would seem to have reached
 * everyone.
 */
export const unreadableBeat = (id: string, problem: string): ReportedBeat => ({ ...UNREADABLE, id, problem });

/**
 * Defaults for members that an older version did not write. Without `draining`, a restriction may have reached all work
 * in flight.
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

/** The last moment that RFC 3339 can write, in milliseconds. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A `heard_at` as it is stored, in milliseconds; null where it is no time. */
const heardAt = (given: unknown): string | null =>
  typeof given === 'number' && given >= 0 && given <= LAST_TIME ? new Date(given).toISOString() : null;

/**
 * Reads the beat that was stored under that id. Members that an older version did not write have a default; members
 * that only a newer one knows are passed over. `isStamped`: the store itself has added `heard_at`; elsewhere it would
 * be the executor's own word, and is passed over.
 */
export function readBeat(
  id: string,
  text: string,
  { isStamped = false }: { readonly isStamped?: boolean } = {},
): ReportedBeat {
  if (Buffer.byteLength(text) > LONGEST_BEAT)
    return unreadableBeat(id, `it has ${Buffer.byteLength(text)} bytes, more than the ${LONGEST_BEAT} that are read`);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return unreadableBeat(id, 'it is not JSON');
  }
  if (!isJsonObject(given)) return unreadableBeat(id, 'it is not a JSON object');
  const members = withDefaults(given);
  const parsed = beatSchema.safeParse({ ...members, id });
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  const broken = new Set(parsed.success ? [] : parsed.error.issues.map(({ path }) => path[0]));
  const readable = parsed.success ? parsed.data : pick(members, broken);
  if (members['id'] !== id) problems.unshift(`it names another executor, ${quoteId(members['id'])}`);
  if ((readable.lease_ms ?? 0) > LEASE_MS.max)
    problems.push(`lease_ms: ${readable.lease_ms} is longer than any lease (${LEASE_MS.max})`);
  const heard_at = isStamped && 'heard_at' in given ? heardAt(given['heard_at']) : undefined;
  if (heard_at === null) problems.push(`heard_at: ${quoteId(given['heard_at'])} is no time`);
  const problem = bounded(problems);
  return { ...UNREADABLE, ...readable, id, ...(heard_at && { heard_at }), ...(problem !== null && { problem }) };
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

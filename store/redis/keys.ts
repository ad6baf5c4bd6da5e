import { type Head, textProblem, invalid } from '../../flags/index.ts';
import { mapRows } from '../../flags/table.ts';

/** The keys that all of one organization share, by their last part. `access.ts` says who may do what with each. */
export const SHARED_KEYS = {
  /** A string: the head as JSON. Append is a compare-and-swap on exactly this text. */
  head: 'head',
  /** A hash: entry key → entry as JSON; the fold of the log. */
  state: 'state',
  /** A stream with the ids `SEQ-0`; its field `event` is what `serializeEvent` wrote. */
  log: 'log',
  /**
   * A string: the names of executors, escaped as in their keys, one a line. Executors may only append to it, so none
   * can displace another or put another type there. It is no list, because the length of a list's elements cannot be
   * asked for.
   */
  names: 'executor-names',
  /** A number that grows with each new report of a fork, so that the reports are read only when they have changed. */
  changes: 'changes',
  /** Names the operator who alone may append for a moment, because a change of theirs that goes first was overtaken. */
  precedence: 'precedence',
  /** A hash: what was tried and refused → how often, beyond what the log says. */
  attempts: 'attempts',
  /** Goes by itself after an hour without an operating process. */
  operating: 'operating',
  /**
   * A hash: idempotency key, line end, number of the attempt → who has intended it, and the intent as JSON. Executors
   * may only add fields (HSETNX), so the first intent of an attempt stays.
   */
  journal: 'journal',
  /** A list: the runs with intents, in the order of their first one; the one without a name is outside any run. */
  journalRuns: 'journal-runs',
  /**
   * A hash: the id of a request, or of one use of a standing approval → who has claimed or ended it, as JSON. Executors
   * may only add to it (HSETNX), so nobody takes a claim back.
   */
  claims: 'claims',
  /**
   * A hash: what alerts need beside the log: where they go, with the key of their signature, and how far each target
   * has been told. Only operators may read it.
   */
  alerts: 'alerts',
} as const;

/** The keys of each run, by their last part, which the escaped run follows. Executors of any name add to them. */
export const RUN_KEYS = {
  /** A list: the fields of `journal` that were intended in the run; one may stand there twice. */
  journalRun: 'journal-run',
} as const;

/** The keys that only executors of one name may write, by their last part. */
export const OWN_KEYS = {
  /** Hashes: executor id → its last beat, the actions it has; as JSON. */
  beats: 'beats',
  surfaces: 'surfaces',
  /**
   * A string: the reports of forks of these executors, one a line: the escaped id, a space, the report as JSON. A
   * string can be read up to a length.
   */
  forks: 'fork-reports',
  /** Streams of bounded length: their proposals, and their other interventions; the field `record` is JSON. */
  proposals: 'proposals',
  interventions: 'interventions',
  /** The same for what they have met. It stays when they leave or are forgotten, and with it the name. */
  seen: 'seen',
  /** The same for notices of writes that were let through; and for shadow runs with what people then did. */
  notices: 'notices',
  shadow: 'shadow',
  /**
   * A hash: the id of an intent of theirs, line end, `landed` or `ended` → when, and the end as JSON. They may only add
   * fields, so an end that was written stays.
   */
  journal: 'journal',
  /** A hash: run id → its last checkpoint as JSON; and a sorted set: run id → when it was written. */
  checkpoints: 'checkpoints',
  checkpointTimes: 'checkpoint-times',
  /** A hash: id → a request for an approval as JSON, which is never changed; and a sorted set: id → when it expires. */
  approvals: 'approvals',
  approvalTimes: 'approval-times',
  /** A hash: account of the ledger → what these executors have spent and reserved in it (`ledger-scripts.ts`). */
  ledger: 'ledger',
  /** Strings, one for each reservation, whose id follows after a colon: what it has reserved, until it is settled. */
  reservation: 'reservation',
  /** A string: their stops, one a line, to which executors only append. */
  stops: 'stops',
} as const;

/** The keys of each state that is kept for good, by their last part; the epoch and the hash of its head follow it. */
export const KEPT_KEYS = {
  /** A hash: entry key → entry as JSON; and `head`, with how many entries there are. A log goes on from it. */
  archived: 'archived',
} as const;

export type SharedKey = keyof typeof SHARED_KEYS;
export type OwnKey = keyof typeof OWN_KEYS;
export type RunKey = keyof typeof RUN_KEYS;
export type KeptKey = keyof typeof KEPT_KEYS;

/** The keys of executors of one name: a user of Redis can be confined to them. */
export type ExecutorKeys = Readonly<Record<OwnKey, string>> & {
  readonly escaped: string;
  /** What all keys of this name begin with. */
  readonly prefix: string;
};

/**
 * Where one organization's switch is kept. All keys share one hash tag, so that a script may use them together on a
 * Cluster.
 */
export interface RedisKeys extends Readonly<Record<SharedKey, string>> {
  executor(name: string): ExecutorKeys;
  /** The same by the name as it is escaped in `names`. */
  executorEscaped(escaped: string): ExecutorKeys;
  /** The keys of a run; null: of what is outside any run. */
  run(id: string | null): Readonly<Record<RunKey, string>>;
  /** The keys of the state after an event. */
  kept(head: Pick<Head, 'epoch' | 'hash'>): Readonly<Record<KeptKey, string>>;
  /** What the keys of an executor begin with; its escaped name and `:` follow. */
  readonly executorPrefix: string;
  /**
   * Each event's text is published here as it is appended. All databases share the channels, so that of a database
   * other than 0 ends in its number.
   */
  readonly channel: string;
  /** Executors say here that they have added a stop, so that others confirm; what is said there proves nothing. */
  readonly stopsChannel: string;
}

/**
 * `encodeURIComponent`, and the characters that it leaves but that mean something in a glob: ACL rules name keys by
 * globs.
 */
export const escapeId = (id: string): string =>
  encodeURIComponent(id).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The key of one reservation of executors. */
export const reservationKey = ({ reservation }: ExecutorKeys, id: string): string => `${reservation}:${escapeId(id)}`;

/** The reverse of `escapeId`; a text that cannot be its result stays as it is. */
export const nameOf = (escaped: string): string => {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
};

/** @throws KillSwitchError INVALID_ARGUMENT */
export function redisKeys(
  organizationId: string,
  { keyPrefix = '', db = 0 }: { readonly keyPrefix?: string; readonly db?: number } = {},
): RedisKeys {
  const problem = textProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  const key = (name: string): string => `${keyPrefix}kill-switch:{${escapeId(organizationId)}}:${name}`;
  const executorPrefix = key('executor:');
  const executorEscaped = (escaped: string): ExecutorKeys => ({
    escaped,
    prefix: `${executorPrefix}${escaped}:`,
    ...mapRows(OWN_KEYS, (what) => `${executorPrefix}${escaped}:${what}`),
  });
  return {
    ...mapRows(SHARED_KEYS, key),
    executorPrefix,
    kept: ({ epoch, hash }) => mapRows(KEPT_KEYS, (what) => key(`${what}:${epoch}-${hash}`)),
    run: (id) => mapRows(RUN_KEYS, (what) => key(`${what}:${id === null ? '' : escapeId(id)}`)),
    executor: (name) => executorEscaped(escapeId(name)),
    executorEscaped,
    channel: key(db === 0 ? 'events' : `events:${db}`),
    stopsChannel: key(db === 0 ? 'stops' : `stops:${db}`),
  };
}

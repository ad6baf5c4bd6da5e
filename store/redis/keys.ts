import { textProblem, invalid } from '../../flags/index.ts';

/** Where one organization's switch is kept. All keys share one hash tag, so that a script may use them together on a Cluster. */
export interface RedisKeys {
  /** A string: the head as JSON. Append is a compare-and-swap on exactly this text. */
  readonly head: string;
  /** A hash: entry key → entry as JSON; the fold of the log. */
  readonly state: string;
  /** A stream with the ids `SEQ-0`; its field `event` is what `serializeEvent` wrote. */
  readonly log: string;
  /** A list of executors' names, escaped as in their keys; executors may only push to it, so nobody who came later takes the place of another. */
  readonly names: string;
  /** A number that grows with each new report of a fork, so that the reports are read only when they have changed. */
  readonly changes: string;
  /** There for a moment after something that tightens was overtaken: then nothing else is appended. */
  readonly turn: string;
  /** Hashes in which an earlier version had the beats of all executors, and the actions that they have. They are read, never written. */
  readonly beatsBefore: string;
  readonly surfacesBefore: string;
  /** What executors of one name write, and nobody else may. */
  executor(name: string): ExecutorKeys;
  /** The same by the name as it is escaped in `names`. */
  executorEscaped(escaped: string): ExecutorKeys;
  /** What the keys of an executor begin with; its escaped name and `:` follow. */
  readonly executorPrefix: string;
  /** A hash: run id → its last checkpoint as JSON; and a sorted set: run id → when it was written. */
  readonly checkpoints: string;
  readonly checkpointTimes: string;
  /** A stream of bounded length; its field `record` is an intervention as JSON. */
  readonly interventions: string;
  /** Each event's text is published here as it is appended. Channels are those of all databases, so it bears the number of its own, other than 0. */
  readonly channel: string;
}

/** The keys of executors of one name: a user of Redis can be confined to them by one pattern. */
export interface ExecutorKeys {
  readonly escaped: string;
  /** Hashes: executor id → its last beat, what it reports of a fork, the actions it has; as JSON. */
  readonly beats: string;
  readonly forks: string;
  readonly surfaces: string;
  /** A stream of bounded length: the proposals of executors of this name. */
  readonly proposals: string;
}

/** `encodeURIComponent`, and what it leaves that means something in a glob (ACL rules name keys by globs). */
export const escapeId = (id: string): string =>
  encodeURIComponent(id).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The name that `escapeId` made this of; a text that it did not make, as it is. */
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
  const executorEscaped = (escaped: string): ExecutorKeys => {
    const own = (what: string): string => `${executorPrefix}${escaped}:${what}`;
    return {
      escaped,
      beats: own('beats'),
      forks: own('forks'),
      surfaces: own('surfaces'),
      proposals: own('proposals'),
    };
  };
  return {
    head: key('head'),
    state: key('state'),
    log: key('log'),
    names: key('names'),
    changes: key('changes'),
    turn: key('turn'),
    beatsBefore: key('executors'),
    surfacesBefore: key('surfaces'),
    executorPrefix,
    executor: (name) => executorEscaped(escapeId(name)),
    executorEscaped,
    checkpoints: key('checkpoints'),
    checkpointTimes: key('checkpoint-times'),
    interventions: key('interventions'),
    channel: key(db === 0 ? 'events' : `events:${db}`),
  };
}

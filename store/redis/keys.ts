import { textProblem, invalid } from '../../flags/index.ts';

/** Where one organisation's switch is kept. All keys share one hash tag, so that a script may use them together on a Cluster. */
export interface RedisKeys {
  /** A string: the head as JSON. Append is a compare-and-swap on exactly this text. */
  readonly head: string;
  /** A hash: entry key → entry as JSON; the fold of the log. */
  readonly state: string;
  /** A stream with the ids `SEQ-0`; its field `event` is what `serializeEvent` wrote. */
  readonly log: string;
  /** A hash: executor id → its last beat as JSON. */
  readonly executors: string;
  /** A hash: executor id → what it reports of a fork, as JSON. */
  readonly forks: string;
  /** Hashes: executor id → the actions it has, run id → its last checkpoint; as JSON. */
  readonly surfaces: string;
  readonly checkpoints: string;
  /** A stream of bounded length; its field `record` is an intervention as JSON. */
  readonly interventions: string;
  /** Each event's text is published here as it is appended. Channels are those of all databases, so it bears the number of its own, other than 0. */
  readonly channel: string;
}

/** `encodeURIComponent`, and what it leaves that means something in a glob (ACL rules name keys by globs). */
const escapeId = (id: string): string =>
  encodeURIComponent(id).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** @throws KillSwitchError INVALID_ARGUMENT */
export function redisKeys(
  organizationId: string,
  { keyPrefix = '', db = 0 }: { readonly keyPrefix?: string; readonly db?: number } = {},
): RedisKeys {
  const problem = textProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  const key = (name: string): string => `${keyPrefix}kill-switch:{${escapeId(organizationId)}}:${name}`;
  return {
    head: key('head'),
    state: key('state'),
    log: key('log'),
    executors: key('executors'),
    forks: key('forks'),
    surfaces: key('surfaces'),
    checkpoints: key('checkpoints'),
    interventions: key('interventions'),
    channel: key(db === 0 ? 'events' : `events:${db}`),
  };
}

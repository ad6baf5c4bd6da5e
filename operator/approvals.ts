import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApprovalFacts,
  boundBy,
  type Entry,
  entryKey,
  expiryOf,
  type Head,
  isKillSwitchError,
  KillSwitchError,
  type LogEvent,
  RestrictionMemory,
  stateFrom,
} from '../flags/index.ts';
import { loadWhole } from '../store/answers.ts';
import type { ApprovalKeeper, ReportedApproval } from '../store/capabilities/approvals.ts';
import type { ControlConnection, ControlView } from '../store/ports.ts';
import { writersName } from '../store/writers.ts';
import { type ApprovalRecord, approvalRecord, byUrgency, type StandingRecord, statusOf } from './approval-records.ts';
import type { FoundRequest } from './commands/approval.ts';
import type { ApprovalDetail } from './answers.ts';
import { differences } from './differences.ts';
import { outages } from './outages.ts';
import { ChangeRefusedError } from './refusals.ts';
import { untilEnded } from './until-ended.ts';

type Connection = Pick<ControlConnection, 'approvals' | 'read' | 'load' | 'log'>;

/** How many events are read to know what has restricted anybody since a request was opened. */
const MOST_EVENTS = 50_000;

/** What people are asked, at one moment. */
export interface AllApprovals {
  /** What waits for a person comes first. */
  readonly records: readonly ApprovalRecord[];
  /** Why there may be more, and which could not be read. */
  readonly problems: readonly string[];
}

/** @throws KillSwitchError INVALID_STATE where the driver has none */
function keeperOf({ approvals }: Pick<Connection, 'approvals'>): ApprovalKeeper {
  if (approvals) return approvals;
  throw new KillSwitchError('INVALID_STATE', 'Nobody can be asked over this store: its driver has no approvals.');
}

const entryOf = (view: ControlView, id: string): Entry<'approval'> | undefined => view.get('approval', id);

/** The view on which these requests are judged, with what has restricted anybody since the oldest of them. */
async function judging(
  { read, log }: Connection,
  requests: readonly ReportedApproval[],
): Promise<{ readonly view: ControlView; readonly facts: ApprovalFacts }> {
  const view = await read([entryKey('control'), ...requests.map(({ id }) => entryKey('approval', id))]);
  const now = Date.parse(view.time);
  const open = requests.flatMap(({ request, end }) =>
    request && end === null && Date.parse(expiryOf(request)) > now ? [request] : [],
  );
  const memory = new RestrictionMemory();
  if (view.head) memory.begin(view.head);
  const from = open.reduce((least, { epoch }) => Math.min(least, epoch), Number.POSITIVE_INFINITY);
  if (view.head && from < view.head.epoch) memory.extend(await eventsBetween(log, from, view.head));
  const facts: ApprovalFacts = {
    generation: view.head?.generation ?? '',
    now,
    // Where not all is known this says nothing against a request: its executor, which has to know, judges it again.
    restrictionsSince: (epoch) => memory.since(epoch) ?? memory.since(memory.floor.epoch) ?? [],
  };
  return { view, facts };
}

/** The last of the events after an epoch, up to the head. */
async function eventsBetween(log: Connection['log'], after: number, head: Head): Promise<readonly LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of log(Math.max(after, head.epoch - MOST_EVENTS))) {
    if (event.seq > head.epoch) break;
    events.push(event);
  }
  return events;
}

/** Everything that people are asked. @throws KillSwitchError */
export async function allApprovals(connection: Connection): Promise<AllApprovals> {
  const { requests, problems } = await keeperOf(connection).all();
  const { view, facts } = await judging(connection, requests);
  const records = requests.flatMap((each) => approvalRecord(each, entryOf(view, each.id), facts) ?? []);
  const unreadable = requests.flatMap(({ id, request, problem }) => (request ? [] : [`${id}: ${problem ?? ''}`]));
  return { records: records.toSorted(byUrgency), problems: [...problems, ...unreadable] };
}

/** One request. @throws ChangeRefusedError NOT_FOUND */
export async function oneApproval(connection: Connection, id: string): Promise<ApprovalRecord> {
  const reported = await keeperOf(connection).get(id);
  if (!reported) throw new ChangeRefusedError({ kind: 'approval_missing', id, standing: false });
  const { view, facts } = await judging(connection, [reported]);
  const record = approvalRecord(reported, entryOf(view, id), facts);
  if (record) return record;
  throw new ChangeRefusedError({ kind: 'approval_unfit', id, problem: reported.problem ?? 'it cannot be read' });
}

/**
 * A request that is to be decided, as it is found now.
 * @param operator who decides
 * @throws ChangeRefusedError where it is not there, or cannot be shown as it was asked
 */
export async function requestToDecide(connection: Connection, id: string, operator: string): Promise<FoundRequest> {
  const keeper = keeperOf(connection);
  const reported = await keeper.get(id);
  if (!reported) throw new ChangeRefusedError({ kind: 'approval_missing', id, standing: false });
  const { request, writer, problem } = reported;
  if (!request || problem !== null)
    throw new ChangeRefusedError({ kind: 'approval_unfit', id, problem: problem ?? 'it cannot be read' });
  const { view, facts } = await judging(connection, [reported]);
  const { status, why } = statusOf(reported, request, entryOf(view, id), facts);
  const isOpen = status === 'pending' || status === 'approved';
  const names = [request.requested_by, request.agent_id, `agent:${request.agent_id}`];
  if (writer !== null) names.push(writer, writersName(writer) ?? writer);
  if (writer !== null && keeper.own === writer) names.push(operator);
  return {
    request: boundBy(request),
    ended: isOpen ? null : { status, why: why ?? ENDED[status] },
    requesters: names,
    ...(request.input.length === request.input_length && { input: request.input }),
  };
}

const ENDED = {
  rejected: 'was rejected',
  expired: 'has expired',
  cancelled: 'was given up by its executor',
  used: 'is used',
} as const;

/** How many requests wait for a person; null where this user may not read them. @throws KillSwitchError */
export async function heldApprovals(connection: Connection): Promise<number | null> {
  if (!connection.approvals) return null;
  try {
    return (await allApprovals(connection)).records.filter(({ status }) => status === 'pending').length;
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'NOT_PERMITTED') return null; // a user of an older version's rules
    throw error;
  }
}

/** What differs from the last request of the same action that was approved; null where none is kept whole. */
export function lastApproved(record: ApprovalRecord, all: readonly ApprovalRecord[]): ApprovalDetail['last_approved'] {
  const before = all
    .filter(({ id, action, status }) => id !== record.id && action === record.action && isApproved(status))
    .reduce<ApprovalRecord | null>((last, each) => (last && last.requested_at > each.requested_at ? last : each), null);
  if (!before || before.input_cut || record.input_cut) return null;
  const { id, requested_at, input } = before;
  return { id, requested_at, differences: differences(input, record.input) };
}

const isApproved = (status: ApprovalRecord['status']): boolean => status === 'approved' || status === 'used';

/** The standing approvals, those that end first first. @throws KillSwitchError */
export async function standingRecords(connection: Connection): Promise<readonly StandingRecord[]> {
  const keeper = keeperOf(connection);
  const { head, entries, time } = await loadWhole(connection);
  if (!head) return [];
  const standing = [...stateFrom(entries, head).standing.values()].filter(({ until }) => until > time);
  const records: StandingRecord[] = [];
  for (const { id, action, agent_id, run_id, match, times, until, notes, by, at, epoch } of standing) {
    const used = await keeper.uses(id, times);
    const about = { id, action, agent_id, run_id, match, times, used, until, notes, epoch };
    records.push({ ...about, allowed_by: by, allowed_at: at });
  }
  return records.toSorted((a, b) => (a.until < b.until ? -1 : 1));
}

/** How often the store is asked for requests, in milliseconds; longer where reading them all takes long. */
const POLL_MS = 1000;
const MOSTLY_IDLE = 10;

/** What is followed, and until when. */
export interface FollowingApprovals {
  readonly matches: (record: ApprovalRecord) => boolean;
  readonly signal: AbortSignal;
  /** Called once with an outage of the store, and once with an empty text when it is over. */
  readonly onTrouble: (problem: string) => void;
}

/**
 * The requests that wait, and then each as it is asked, decided, used or over. Waits through outages of the store.
 * @throws KillSwitchError CLOSED
 */
export function followApprovals(
  connection: Connection,
  closed: AbortSignal,
  following: FollowingApprovals,
): AsyncIterableIterator<ApprovalRecord> {
  const { signal } = following;
  return untilEnded((ended) => changesOf(connection, { ...following, signal: ended }), { signal, closed });
}

async function* changesOf(
  connection: Connection,
  { matches, signal, onTrouble }: FollowingApprovals,
): AsyncGenerator<ApprovalRecord> {
  let known: ReadonlyMap<string, string> | null = null;
  const store = outages(onTrouble);
  while (!signal.aborted) {
    const begun = performance.now();
    let changed: readonly ApprovalRecord[] = [];
    try {
      const { records } = await allApprovals(connection);
      const before = known;
      changed = records
        .filter((record) => (before ? before.get(record.id) !== stateOf(record) : record.status === 'pending'))
        .toSorted((a, b) => (a.requested_at < b.requested_at ? -1 : 1));
      known = new Map(records.map((record) => [record.id, stateOf(record)]));
      store.answered();
    } catch (error) {
      if (signal.aborted) return;
      store.failed(error);
    }
    for (const record of changed) if (matches(record)) yield record;
    const pause = Math.max(POLL_MS, MOSTLY_IDLE * (performance.now() - begun));
    await sleep(pause, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}

const stateOf = ({ status, approvals_given, escalated }: ApprovalRecord): string =>
  `${status} ${approvals_given} ${escalated}`;

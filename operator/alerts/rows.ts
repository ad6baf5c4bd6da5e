import { type AlertTarget, isKillSwitchError, type LogEvent } from '../../flags/index.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { AlertRow, AlertsStatus } from '../answers.ts';
import { whatIsLeft } from '../what-is-left.ts';
import { type Outbox, waitingFor } from './pending.ts';
import { NAMES, noticesSchema, type Progress, progressSchema, readRecord, senderSchema } from './records.ts';
import { NO_NOTICES } from './notices.ts';

/**
 * How alerts stand. `told`: by the names of targets of which something waits, or may, up to which epoch each was told.
 * `sending`: whether an operating process sends them; null: this user may not read that.
 */
export interface AlertsState {
  readonly rows: readonly AlertRow[];
  readonly told: ReadonlyMap<string, number>;
  readonly sending: boolean | null;
}

/** How many that wait are counted. */
const MOST_WAITING = 1000;
/** How many changes of the log are read for that. */
const MOST_READ = 10_000;
/** After so many milliseconds without a word nobody sends. */
const SILENT_MS = 15_000;

/** The targets of a switch at one moment. `epoch`: of its head; `time`: the store's. */
export interface AlertsPlace {
  readonly targets: readonly AlertTarget[];
  readonly epoch: number;
  readonly time: string;
}

type Connection = Pick<ControlConnection, 'alerts' | 'log'>;

/** All targets, and how they stand. What this user may not read, or nobody can, is shown as not known. */
export async function alertRows(
  place: AlertsPlace,
  connection: Connection,
  organizationId: string,
): Promise<AlertsState> {
  if (place.targets.length === 0) return { rows: [], told: new Map(), sending: null };
  try {
    return await readRows(place, connection, organizationId);
  } catch (error) {
    if (!isKillSwitchError(error) || !UNKNOWN.has(error.code)) throw error;
    const told = new Map(place.targets.map(({ name }) => [name, 0]));
    return { rows: place.targets.map((target) => rowOf(target, null, null)), told, sending: null };
  }
}

const UNKNOWN: ReadonlySet<string> = new Set(['NOT_PERMITTED', 'CORRUPT', 'UNKNOWN_EVENT']);

async function readRows(
  { targets, epoch, time }: AlertsPlace,
  { alerts: keeper, log }: Connection,
  organizationId: string,
): Promise<AlertsState> {
  const names = [NAMES.sender, NAMES.notices, ...targets.map(({ id }) => NAMES.progress(id))];
  const kept = (await keeper?.read(names)) ?? new Map<string, string>();
  const sender = readRecord(senderSchema, NAMES.sender, kept.get(NAMES.sender));
  const notices = readRecord(noticesSchema, NAMES.notices, kept.get(NAMES.notices)) ?? NO_NOTICES;
  const rows: AlertRow[] = [];
  const told = new Map<string, number>();
  for (const target of targets) {
    const name = NAMES.progress(target.id);
    const progress = readRecord(progressSchema, name, kept.get(name));
    const from = progress ?? { epoch: target.since, notice: notices.last };
    const isBehind = epoch > from.epoch || notices.last > from.notice;
    const waiting = isBehind ? await waitingOf(target, from, { log, notices, organizationId }) : 0;
    rows.push(rowOf(target, progress, waiting));
    if (waiting !== 0) told.set(target.name, from.epoch);
  }
  return { rows, told, sending: sender !== null && Date.parse(time) - Date.parse(sender.at) < SILENT_MS };
}

/** How alerts stand, in short. */
export function alertsStatus({ rows, sending }: Pick<AlertsState, 'rows' | 'sending'>): AlertsStatus {
  const waiting = rows.reduce<number | null>(
    (sum, row) => (sum === null || row.waiting === null ? null : sum + row.waiting),
    0,
  );
  const failing = rows.filter(({ failure }) => failure !== null).map(({ name }) => name);
  return { targets: rows.length, waiting, failing, sending };
}

/** How many wait; null where none was found in as much of the log as is read for that, and there is more of it. */
async function waitingOf(
  target: AlertTarget,
  from: Pick<Progress, 'epoch' | 'notice'>,
  { log, ...outbox }: Outbox,
): Promise<number | null> {
  let isCut = false;
  const first = async function* (after: number): AsyncGenerator<LogEvent> {
    for await (const event of whatIsLeft(log)(after)) {
      isCut = event.seq > after + MOST_READ;
      if (isCut) return;
      yield event;
    }
  };
  const all = waitingFor(target, from, { ...outbox, log: first });
  let count = 0;
  while (count < MOST_WAITING && (await all.next()).done !== true) count += 1;
  await all.return(undefined);
  return isCut && count === 0 ? null : count;
}

function rowOf(target: AlertTarget, progress: Progress | null, waiting: number | null): AlertRow {
  const { name, via, to, events, format, allow_private, since, added_by, added_at, given_up } = target;
  const { failure = null, trying = null, delivered_at = null } = progress ?? {};
  return {
    ...{ name, via, to, events: [...events], format, allow_private, since, added_by, added_at },
    ...{ waiting, delivered_at },
    failure: failure && { ...failure, failures: trying?.failures ?? 0, next_at: trying?.next_at ?? null },
    given_up: given_up ? { count: given_up.count, at: given_up.at } : null,
  };
}

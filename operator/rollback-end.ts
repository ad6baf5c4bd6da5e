import { setTimeout as sleep } from 'node:timers/promises';
import { entryKey, isKillSwitchError, type Rollback, shownId } from '../flags/index.ts';
import type { JournalKeeper } from '../store/capabilities/journal.ts';
import type { ControlConnection } from '../store/ports.ts';
import { rollbackKey } from '../store/reversals.ts';
import type { Hearing } from './hearing.ts';
import { lifeOf } from './rollback-performer.ts';
import { journalsOf } from './runs.ts';

/** How often the journal is looked at while a rollback runs, in milliseconds: at first. */
const POLL_MS = 25;

/** The same, at most. */
export const MOST_POLL_MS = 250;

/** How long the named executor may take to begin, and how long the store may be away meanwhile, in milliseconds. */
const [BEGIN_MS, OUTAGE_MS] = [15_000, 30_000];

/** What waiting for a rollback needs of the control plane. */
export interface WaitingParts {
  readonly connection: ControlConnection;
  readonly hearing: Hearing;
  /** Fires when the control plane is closed. */
  readonly closed: AbortSignal;
}

/** All rollbacks of the log, and the epoch at which they were read: who appends on it finds out what has come since. */
export interface Looked {
  readonly asked: readonly Rollback[];
  readonly epoch: number;
}

export async function look(connection: ControlConnection): Promise<Looked> {
  const view = await connection.read([entryKey('rollbacks')]);
  return { asked: view.get('rollbacks')?.asked ?? [], epoch: view.head?.epoch ?? 0 };
}

/** What the journal says of a rollback, by its performer: it is done, or why it has stopped; null: neither yet. */
export async function ownEnd(
  journals: JournalKeeper,
  rollback: Rollback,
): Promise<{ readonly stopped: string | null } | null> {
  const attempts = await journals.attemptsOf(rollbackKey(rollback));
  const own = attempts.findLast(({ executor_id }) => executor_id === rollback.performer.id);
  if (!own || own.state === 'intended') return null;
  if (own.state === 'landed') return { stopped: null };
  return { stopped: own.why ?? 'its executor has not said why' };
}

async function hasBegun(journals: JournalKeeper, rollback: Rollback): Promise<boolean> {
  const attempts = await journals.attemptsOf(rollbackKey(rollback));
  return attempts.some(({ executor_id }) => executor_id === rollback.performer.id);
}

/** Whether its executor performs another one first, that was asked for before. */
async function isQueued(journals: JournalKeeper, rollback: Rollback, { asked }: Looked): Promise<boolean> {
  const { performer, epoch } = rollback;
  for (const other of asked)
    if (other.performer.id === performer.id && other.epoch < epoch && (await ownEnd(journals, other)) === null)
      return true;
  return false;
}

/** How the waiting for a rollback has ended. */
export interface Waited {
  /** As it is now: another executor may have taken it over meanwhile. */
  readonly rollback: Rollback;
  /** Why nothing more was tried, or nobody waits for it any more; null: all was tried. */
  readonly stopped: string | null;
  /** False: its executor goes on with it, or may yet begin. */
  readonly isOver: boolean;
}

/** Waits until a rollback has ended. */
export async function ended(parts: WaitingParts, found: Rollback, signal: AbortSignal | undefined): Promise<Waited> {
  const { connection, hearing, closed } = parts;
  const journals = journalsOf(connection);
  let rollback = found;
  let begunAt = performance.now();
  let [answeredAt, isGone] = [begunAt, false];
  for (let pollMs = POLL_MS; ; pollMs = Math.min(2 * pollMs, MOST_POLL_MS)) {
    const name = shownId(rollback.performer.name);
    try {
      const end = await ownEnd(journals, rollback);
      const looked = await look(connection);
      const now = looked.asked.find(({ id }) => id === found.id) ?? rollback;
      if (now.epoch !== rollback.epoch) {
        // Another one has taken it over: that one's end is waited for, from now on.
        [rollback, begunAt, isGone] = [now, performance.now(), false];
        continue;
      }
      if (end) return { rollback, stopped: end.stopped, isOver: true };
      if (isGone)
        return {
          rollback,
          stopped: `the executor ${name} has ended: ask again, and another one takes over`,
          isOver: true,
        };
      isGone = lifeOf(await hearing.hear(), rollback.performer.id) === 'gone'; // the journal is looked at once more
      answeredAt = performance.now();
      const lateMs = BEGIN_MS + (rollback.former?.lease_ms ?? 0);
      if (
        answeredAt - begunAt > lateMs &&
        !(await hasBegun(journals, rollback)) &&
        !(await isQueued(journals, rollback, looked))
      ) {
        const stopped = `the executor ${name} has not begun within ${lateMs} ms: ask again, and say that another one takes over`;
        return { rollback, stopped, isOver: false };
      }
    } catch (error) {
      if (!isKillSwitchError(error) || performance.now() - answeredAt > OUTAGE_MS) throw error;
    }
    if (signal?.aborted)
      return {
        rollback,
        stopped: `it goes on in the executor ${name}, and nobody waits for it any more`,
        isOver: false,
      };
    closed.throwIfAborted();
    if (!isGone) await sleep(pollMs, undefined, { signal: closed }).catch(() => closed.throwIfAborted());
  }
}

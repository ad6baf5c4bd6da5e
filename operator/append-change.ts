import { randomUUID } from 'node:crypto';
import { type Head, isKillSwitchError, KillSwitchError, type LogEvent, messageOf } from '../flags/index.ts';
import type { ControlConnection, ControlView } from '../store/ports.ts';
import { actorOf, type Command, entriesFor, type Operator, type PlannedChange, planChange } from './plan-change.ts';

/** Who changes which store, and for how long it is tried, in milliseconds. */
export interface Desk {
  readonly connection: ControlConnection;
  readonly operator: Operator;
  readonly retryMs: number;
}

/** `change` is null where the append's own answer was lost and its event was found in the log; `view` is how it is now. */
export interface Appended {
  readonly event: LogEvent;
  readonly head: Head;
  readonly view: ControlView;
  readonly change: PlannedChange | null;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Plans and appends, again when the head had moved or the store did not answer, until it is recorded or the time is over.
 * A loosening keeps the epoch that it named, however often it is planned anew.
 */
export async function appendChange(desk: Desk, command: Command): Promise<Appended> {
  const { connection, operator, retryMs } = desk;
  const commandId = randomUUID();
  const deadline = performance.now() + retryMs;
  const keys = entriesFor(command);
  let unknown: { readonly after: number; readonly error: unknown } | null = null;
  for (let pause = 20; ; pause = Math.min(500, pause * 2)) {
    try {
      const view = await connection.read(keys);
      const own = unknown && (await find(desk, commandId, unknown.after));
      if (own && view.head)
        return { event: own, head: { ...view.head, epoch: own.seq, hash: own.hash }, view, change: null };
      const plan = planChange(view, command, operator, commandId);
      if (plan.is === 'refused') throw new Refused(plan.error);
      const [change] = plan.changes;
      if (!change) throw new KillSwitchError('INVALID_STATE', 'The plan of a change has no event.');
      const { event, patch, head, direction } = change;
      unknown ??= { after: view.head?.epoch ?? 0, error: null };
      if (await connection.append({ event, patch, head, expected: view.head, tightens: direction !== 'loosens' })) {
        return { event, head, view: await connection.read(keys), change };
      }
      if (performance.now() > deadline)
        throw new KillSwitchError('CONFLICT', 'The log moved on each time this change was tried. Try again.');
    } catch (error) {
      if (error instanceof Refused) throw error.reason;
      if (isKillSwitchError(error) && PERMANENT.has(error.code)) throw error;
      if (performance.now() + pause > deadline) throw gaveUp(command, error);
      await sleep(pause);
    }
  }
}

/** The event of this very command, if it has come into the log after that epoch. */
async function find({ connection, operator }: Desk, commandId: string, after: number): Promise<LogEvent | null> {
  for await (const event of connection.log(after)) {
    if (event.data['command_id'] === commandId && event.actor === actorOf(operator)) return event;
  }
  return null;
}

/** A refusal is an answer, not a failure of the store: it is never tried again. */
class Refused extends Error {
  readonly reason: KillSwitchError;
  constructor(reason: KillSwitchError) {
    super(reason.message);
    this.reason = reason;
  }
}

const PERMANENT: ReadonlySet<string> = new Set([
  'CLOSED',
  'CORRUPT',
  'INVALID_ARGUMENT',
  'INVALID_STATE',
  'NETWORK_FILESYSTEM',
  'UNKNOWN_EVENT',
]);

const gaveUp = (command: Command, error: unknown): KillSwitchError =>
  new KillSwitchError(
    isKillSwitchError(error) ? error.code : 'STORE_UNREACHABLE',
    `The ${command.type} was not acknowledged by the store, and may or may not have been recorded: ${messageOf(error)} Executors that cannot reach the store stop by themselves when their lease is over. Repeat the command: it is recorded only once.`,
    { cause: error },
  );

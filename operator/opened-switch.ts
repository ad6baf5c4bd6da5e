import { redactedStart } from '../flags/secret-texts.ts';
import { type Clock, entryKey, type LogEvent, type State, stateFrom } from '../flags/index.ts';
import { loadWhole } from '../store/answers.ts';
import type { ControlConnection } from '../store/ports.ts';
import { Rounds } from '../store/rounds.ts';
import { type Appended, ChangeQueue, closedError, type Order, type Recorded } from './change-queue.ts';
import { Alerting } from './alerts/alerting.ts';
import type { AlertPace } from './alerts/pace.ts';
import { ApprovalUpkeep } from './approval-upkeep.ts';
import { ScheduledDrills } from './drill/scheduled.ts';
import { Hearing } from './hearing.ts';
import { KeptSwitch } from './kept-switch.ts';
import { type Pace, SYSTEM_PACE } from './stop-heard.ts';
import { Troubles } from './looking.ts';
import { Operating } from './operate.ts';
import { type Actor, actorName, SYSTEM } from './operators.ts';
import { rowOf } from './commands/index.ts';
import type { Attempted } from '../flags/refused-attempts.ts';
import type { Check } from './plan.ts';
import { RefusedAttempts } from './refused-attempts.ts';
import { rolesOf } from './roles.ts';
import {
  ChangePendingError,
  ChangeRefusedError,
  isAttempt,
  isChangeRefusedError,
  NotInitialisedError,
  type Place,
  type Refusal,
} from './refusals.ts';

export interface OpenedSwitchOptions {
  readonly connection: ControlConnection;
  readonly place: Place;
  /** Whether the store has a clock of its own. */
  readonly ownClock: boolean;
  /** How long a change is tried again while the store does not take it, in milliseconds. */
  readonly retryMs: number;
  /** Null: this is no operating process. */
  readonly operate: {
    readonly ownClock: boolean;
    readonly clock: Clock;
    readonly onTrouble: (problem: string) => void;
    /** Null: it sends no alerts. */
    readonly alerts?: AlertPace | null | undefined;
  } | null;
  /** The checks of each change; default `CHECKS`. */
  readonly checks?: readonly Check[] | undefined;
  /** How time passes while a kill waits for those who obey it; default: as on this machine. */
  readonly pace?: Pace | undefined;
}

/**
 * One connection to the store of a switch, for any number of operators. All their changes, and those of `system`, go
 * through one queue, so that they do not compete with each other. It lives until it is closed, whichever operators come
 * and go.
 */
export class OpenedSwitch {
  readonly connection: ControlConnection;
  readonly place: Place;
  readonly ownClock: boolean;
  readonly hearing: Hearing;
  /** The whole switch, for those who look at it again and again. */
  readonly kept: KeptSwitch;
  readonly pace: Pace;
  readonly #changes: ChangeQueue;
  readonly #closing = new AbortController();
  readonly #operating: Operating | null;
  readonly #approvals: ApprovalUpkeep | null;
  readonly #drills: ScheduledDrills | null;
  readonly #alerting: Alerting | null;
  readonly #attempts: RefusedAttempts;
  /** No caller waits for a snapshot; one that fails is tried again after a later change. */
  readonly #snapshots = new Rounds({ round: () => this.#keepSnapshot() });

  constructor({ connection, place, ownClock, retryMs, operate, checks, pace = SYSTEM_PACE }: OpenedSwitchOptions) {
    this.connection = connection;
    this.place = place;
    this.ownClock = ownClock;
    this.hearing = new Hearing(connection);
    this.kept = new KeptSwitch(connection, place);
    this.pace = pace;
    this.#changes = new ChangeQueue({ connection, retryMs, checks });
    this.#attempts = new RefusedAttempts((order) => this.#changes.append(order), connection.tally);
    // `close` waits for its loop, which may be about to end a kill.
    const append = (order: Order): Promise<Recorded> => this.#record(order);
    const troubles = new Troubles((problem) => operate?.onTrouble(problem));
    const trouble = (): { onTrouble: (problem: string) => void } => ({ onTrouble: troubles.part() });
    this.#operating = operate && new Operating({ ...operate, connection, append, retryMs, ...trouble() });
    this.#approvals = operate && new ApprovalUpkeep({ connection, append, ...trouble() });
    this.#drills =
      operate &&
      new ScheduledDrills({
        opened: { connection, hearing: this.hearing, pace, append },
        ...{ organizationId: place.organizationId, ...trouble() },
      });
    this.#alerting =
      operate?.alerts && connection.alerts
        ? new Alerting(
            {
              ...{ connection, hearing: this.hearing, organizationId: place.organizationId, append },
              ...{ pace: operate.alerts, trouble: () => troubles.part() },
            },
            connection.alerts,
          )
        : null;
  }

  /** @throws ChangeRefusedError, ChangePendingError; KillSwitchError that says why the store did not take it in time */
  async append(order: Order): Promise<Recorded> {
    if (this.closed.aborted) throw closedError();
    return this.#record(order);
  }

  async #record(order: Order): Promise<Recorded> {
    const appended = await this.#changes.append(order).catch((error: unknown) => {
      if (!isChangeRefusedError(error)) throw error;
      if (isAttempt(error.refusal)) this.noteAttempt(order.actor, attemptOf(order, error));
      throw new ChangeRefusedError(this.#located(error.refusal));
    });
    void this.#snapshots.begin();
    return recorded(appended);
  }

  /** Notes what a person has tried and was refused. What the system tries is nobody's attempt. */
  noteAttempt(actor: Actor, attempt: Omit<Attempted, 'by'>): void {
    if (rolesOf(actor) === null) return;
    const target = attempt.target === null ? null : cut(attempt.target);
    this.#attempts.note(actor, { by: actorName(actor), ...attempt, target });
  }

  /** The whole state at one moment, with the store's time then. @throws KillSwitchError NOT_INITIALISED */
  async whole(): Promise<{ readonly state: State; readonly time: string }> {
    const { head, entries, time } = await loadWhole(this.connection);
    if (!head) throw new NotInitialisedError(this.place);
    return { state: stateFrom(entries, head), time };
  }

  /** The events after an epoch. @throws KillSwitchError NOT_INITIALISED where there is no log */
  async *log(after: number): AsyncGenerator<LogEvent> {
    let found = false;
    for await (const event of this.connection.log(after)) {
      found = true;
      yield event;
    }
    if (found || (after > 0 && (await this.connection.read([])).head)) return;
    throw new NotInitialisedError(this.place);
  }

  /** Resolves when background work is done. */
  async settled(): Promise<void> {
    await this.#attempts.settled();
    await this.#snapshots.rest();
  }

  /** Aborts with a KillSwitchError CLOSED as soon as this is to close. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Refuses further changes and those that wait, with CLOSED. A change that is being appended is answered first, so
   * that nobody takes one for not recorded that was.
   */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    await Promise.all([
      this.#operating?.close(),
      this.#approvals?.close(),
      this.#drills?.close(),
      this.#alerting?.close(),
    ]);
    await this.settled(); // its event goes through the queue
    await this.#attempts.close();
    await this.#changes.close();
    await this.connection.close();
  }

  /** Adds where the switch is, which planning does not know. */
  #located(refusal: Refusal): Refusal {
    return 'place' in refusal ? { ...refusal, place: this.place } : refusal;
  }

  /** Where the store keeps snapshots: keeps one when it is due, and records its proof in the log like any change. */
  async #keepSnapshot(): Promise<void> {
    const mark = await this.connection.snapshots?.keep();
    if (mark) await this.#changes.append({ command: { type: 'snapshot', mark }, actor: SYSTEM });
  }
}

/** What was tried: the type of the command, and what it was to change. */
function attemptOf({ command }: Order, { code }: ChangeRefusedError): Omit<Attempted, 'by'> {
  const [kind, name] = rowOf(command).changes(command);
  const target = kind === 'kill' ? (name ?? null) : entryKey(kind, name);
  return { command: command.type, target, code };
}

/** As much of a target as an attempt keeps. What is no target may be anything, also a URL with its password. */
const cut = (target: string): string => redactedStart(target, 600).toWellFormed();

function recorded(appended: Appended): Recorded {
  if (appended.is === 'pending') throw new ChangePendingError(appended.request);
  return appended;
}

import { randomUUID } from 'node:crypto';
import {
  checkTimeout,
  type Clock,
  entryKey,
  type Head,
  idProblem,
  invalid,
  isKillSwitchError,
  KillSwitchError,
  type KillRecord,
  killRecord,
  type LogEvent,
  quoteId,
  type State,
  stateFrom,
} from '../flags/index.ts';
import { tell } from '../flags/callbacks.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { loadWhole } from '../store/answers.ts';
import type { ControlConnection, ControlStore } from '../store/ports.ts';
import { Rounds } from '../store/rounds.ts';
import { checkSide } from '../store/side.ts';
import { systemClock } from '../store/system-clock.ts';
import { readInterventions } from '../store/reports.ts';
import { acknowledge } from './acknowledge.ts';
import { type Appended, ChangeQueue, type Desk } from './change-queue.ts';
import type {
  ChangeAnswer,
  ControlPlane,
  KillAnswer,
  KillOptions,
  RecoverOptions,
  Status,
  SurfaceRow,
} from './control-plane.ts';
import { forgetExecutor } from './forget-executor.ts';
import {
  checkBoolean,
  checkFunction,
  givenAutonomy,
  givenFeature,
  givenFlags,
  givenKill,
  givenLimit,
  givenMode,
  givenRecover,
  givenRevive,
  milliseconds,
  takesNone,
  wholeNumber,
} from './given.ts';
import { givenUpBy } from './given-up.ts';
import { Hearing } from './hearing.ts';
import { killHeard } from './kill-heard.ts';
import { Operating } from './operate.ts';
import { judgeReports } from './judge-reports.ts';
import { type Command, entriesFor, notInitialised, type Operator, type Place } from './plan-change.ts';
import { surfaceRows } from './surface-rows.ts';
import { verifyLog } from './verify-log.ts';

export interface OpenControlPlaneOptions {
  readonly store: ControlStore;
  readonly organizationId?: string | undefined;
  readonly operator: Operator;
  /** How long one request to the store may take, in milliseconds; default 2000. */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * True: this is an operating process, which ends kills whose time is over, by an event of `system`; nothing else does. Close it when it is to end.
   * Default false: reading appends nothing. `kill-switch watch` is such a process.
   */
  readonly operate?: boolean | undefined;
  /** Told what keeps an operating process from its work, and an empty text when that is over. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
  /** This process's clocks; for tests. */
  readonly clock?: Clock | undefined;
  /** How long a change is tried again while the store does not take it, in milliseconds; default 10000. */
  readonly retryMs?: number | undefined;
  /** Told now and then while a long log is read: how many bytes of how many. */
  readonly onReading?: ((bytes: number, of: number) => void) | undefined;
}

const OPTION_KEYS: Keys<OpenControlPlaneOptions> = {
  store: true,
  organizationId: true,
  operator: true,
  requestTimeoutMs: ['timeoutMs', 'timeout'],
  operate: true,
  onTrouble: true,
  clock: true,
  retryMs: true,
  onReading: true,
};

/** Opens the operator's side over a store. It connects with the first call. @throws KillSwitchError INVALID_ARGUMENT */
export async function openControlPlane(options: OpenControlPlaneOptions): Promise<ControlPlane> {
  checkKeys('openControlPlane', options, OPTION_KEYS);
  const { store, organizationId = 'default', operate, onReading, retryMs = 10_000 } = options;
  const { clock = systemClock, onTrouble = () => {} } = options;
  checkSide('openControlPlane', store, 'operator');
  const operator = givenOperator(options.operator);
  const problem = idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  checkBoolean('operate', operate);
  for (const [what, given] of Object.entries({ onTrouble, clock, onReading })) checkFunction(what, given);
  milliseconds('retryMs', retryMs);
  const requestTimeoutMs = checkTimeout('requestTimeoutMs', options.requestTimeoutMs ?? 2000);
  const connection = store.open({ organizationId, requestTimeoutMs, onReading });
  const desk = { connection, operator, retryMs };
  const ownClock = store.ownClock === true;
  const operating = operate === true ? new Operating({ desk, ownClock, clock, onTrouble }) : null;
  return new StoreControlPlane(desk, { location: store.location, organizationId }, operating);
}

function givenOperator(operator: Operator): Operator {
  if (typeof operator !== 'object' || operator === null)
    throw invalid(`operator is who changes the switch, such as { id: 'dana' }, not ${quoteId(operator)}.`);
  checkKeys('operator', operator, { id: ['name'], roles: true });
  const { id, roles } = operator;
  const problem = idProblem(id);
  if (problem) throw invalid(`operator.id ${problem}.`);
  return { id, roles };
}

class StoreControlPlane implements ControlPlane {
  readonly #connection: ControlConnection;
  readonly #place: Place;
  readonly #organizationId: string;
  readonly #changes: ChangeQueue;
  readonly #hearing: Hearing;
  readonly #operating: Operating | null;
  /** Nobody waits for a snapshot, and one that fails is tried again with a later change. */
  readonly #snapshots = new Rounds({ round: () => this.#keepSnapshot() });

  constructor(desk: Desk, place: Place, operating: Operating | null) {
    this.#connection = desk.connection;
    this.#place = place;
    this.#organizationId = place.organizationId;
    this.#changes = new ChangeQueue(desk);
    this.#hearing = new Hearing(desk.connection);
    this.#operating = operating;
  }

  async init(...given: readonly unknown[]): ReturnType<ControlPlane['init']> {
    takesNone('init', given);
    const { beats, view, remembered } = await this.#losses();
    if (!view.head && givenUpBy(beats, view, { remembered }).total > 0) {
      throw new KillSwitchError(
        'RECOVER_REQUIRED',
        'This store is empty, but executors had seen a control plane in it: it has been wiped or replaced. Accept that with: kill-switch recover --reason "…"',
      );
    }
    const { event, view: after } = await this.#append({ type: 'init', generation: randomUUID() });
    return { epoch: event.seq, already: false, mode: after.get('mode')?.mode ?? 'draft_only' };
  }

  async recover(options: RecoverOptions): ReturnType<ControlPlane['recover']> {
    const given = givenRecover(options);
    const { beats, view, remembered } = await this.#losses();
    const head = view.head;
    const reported = head ? await this.#connection.forks?.(head.generation) : undefined;
    const { heads: givenUp, total, ignored } = givenUpBy(beats, view, { reports: reported?.reports, remembered });
    const known = { head, control: view.get('control') };
    const read = { log: this.#connection.log, ...(reported && { forks: async () => reported }) };
    const { forks } = await judgeReports(beats, known, read);
    const epoch = view.head?.epoch ?? 0;
    const generation = randomUUID();
    const command = { type: 'recover', generation, givenUp, epoch, ...given } as const;
    const { event, view: after } = await this.#append(command);
    const excluded = after.get('control')?.excluded ?? [];
    return { epoch: event.seq, already: false, given_up: givenUp, given_up_count: total, ignored, forks, excluded };
  }

  async #losses() {
    const view = await this.#connection.read([entryKey('control')]);
    const remembered = view.head ? [] : await this.#connection.remembered?.();
    return { view, beats: await this.#connection.executors(), remembered };
  }

  async kill(options: KillOptions): Promise<KillAnswer> {
    const { command, onRecorded, ...waiting } = givenKill(options);
    const { target } = command;
    const { head, view, change } = await this.#append(command);
    tell(onRecorded, { epoch: head.epoch });
    const kill = view.get('kill', target);
    const acknowledgements = await killHeard(this.#hearing, { head, ...waiting });
    if (!kill) {
      // Recorded, and lifted again before it was read back: the answer is how it is now.
      throw new KillSwitchError(
        'CONFLICT',
        `The kill of ${target} was recorded at epoch ${head.epoch}, and has been lifted since.`,
      );
    }
    return {
      kill: killRecord(this.#organizationId, kill),
      epoch: head.epoch,
      already: change?.already ?? false,
      acknowledgements,
    };
  }

  async revive(options: Parameters<ControlPlane['revive']>[0]): ReturnType<ControlPlane['revive']> {
    const given = givenRevive(options);
    const { target } = given;
    const before = await this.#connection.read(entriesFor(given));
    const command = { ...given, epoch: given.epoch ?? before.head?.epoch };
    const { event, change } = await this.#append(command);
    // The plan knows what it lifts. Where the answer to its append was lost there is none, and what was read before has to do.
    const kill = change ? change.ends : (before.get('kill', target) ?? null);
    if (!kill) {
      throw new KillSwitchError(
        'CONFLICT',
        `The revive of ${target} was recorded at epoch ${event.seq}. The kill that it has lifted was recorded after this had been asked for, so only the log tells of it: kill-switch log`,
      );
    }
    const revived = { by: event.actor, at: event.at, reason: event.reason };
    return { kill: killRecord(this.#organizationId, kill, revived), epoch: event.seq };
  }

  async setMode(options: Parameters<ControlPlane['setMode']>[0]): Promise<ChangeAnswer> {
    return this.#set(givenMode(options));
  }

  async setFeature(options: Parameters<ControlPlane['setFeature']>[0]): Promise<ChangeAnswer> {
    return this.#set(givenFeature(options));
  }

  async setLimit(options: Parameters<ControlPlane['setLimit']>[0]): Promise<ChangeAnswer> {
    return this.#set(givenLimit(options));
  }

  async setAutonomy(options: Parameters<ControlPlane['setAutonomy']>[0]): Promise<ChangeAnswer> {
    return this.#set(givenAutonomy(options));
  }

  async setFlags(options: Parameters<ControlPlane['setFlags']>[0]): Promise<ChangeAnswer> {
    return this.#set(givenFlags(options));
  }

  async status(...given: readonly unknown[]): Promise<Status> {
    takesNone('status', given);
    const state = await this.#loadState();
    const head = state.head as Head;
    const { beats, head: store, time } = await this.#hearing.hear();
    const { executors, shared_writers } = acknowledge(beats, { head, store: store ?? head, time }, 0);
    return {
      organization_id: this.#organizationId,
      mode: state.mode.mode,
      targeting: structuredClone(state.mode.targeting ?? null), // theirs: the state here is read again by the next command
      epoch: state.epoch,
      head,
      active_kills: state.killCount,
      kills: this.#killRecords(state, time),
      features: Object.fromEntries([...state.features].map(([name, { stage }]) => [name, stage])),
      limits: Object.fromEntries([...state.limits].map(([name, { value }]) => [name, value])),
      autonomy: Object.fromEntries([...state.autonomy].map(([action, { stage }]) => [action, stage])),
      executors,
      shared_writers,
      excluded: state.control?.excluded ?? [],
      ...(await judgeReports(beats, state, this.#connection)),
    };
  }

  async forks(...given: readonly unknown[]): ReturnType<ControlPlane['forks']> {
    takesNone('forks', given);
    const beats = await this.#connection.executors(); // first, so that none has seen more than the head says
    const view = await this.#connection.read([entryKey('control')]);
    return judgeReports(beats, { head: view.head, control: view.get('control') }, this.#connection);
  }

  async kills(...given: readonly unknown[]): Promise<readonly KillRecord[]> {
    takesNone('kills', given);
    const state = await this.#loadState();
    const { time } = await this.#connection.read([entryKey('control')]);
    return this.#killRecords(state, time);
  }

  async executors(...given: readonly unknown[]): ReturnType<ControlPlane['executors']> {
    takesNone('executors', given);
    const { beats, head, time } = await this.#hearing.hear();
    if (!head) throw notInitialised(this.#place);
    return acknowledge(beats, { head, store: head, time }, 0).executors;
  }

  async interventions(
    options: Parameters<ControlPlane['interventions']>[0] = {},
  ): ReturnType<ControlPlane['interventions']> {
    checkKeys('interventions', options, { limit: true, proposals: true });
    const { limit = 100, proposals = false } = options;
    wholeNumber('limit', limit, 1);
    checkBoolean('proposals', proposals);
    const { interventions, unreadable } = await readInterventions(this.#connection.shelf, limit, proposals);
    return { data: interventions, count: interventions.length, unreadable };
  }

  async surfaces(...given: readonly unknown[]): Promise<readonly SurfaceRow[]> {
    takesNone('surfaces', given);
    return surfaceRows(this.#connection);
  }

  log(options: { readonly after?: number | undefined } = {}): AsyncIterable<LogEvent> {
    checkKeys('log', options, { after: true });
    return this.#connection.log(wholeNumber('after', options.after ?? 0, 0));
  }

  async verifyLog(...given: readonly unknown[]): ReturnType<ControlPlane['verifyLog']> {
    takesNone('verifyLog', given);
    const connection = this.#connection;
    return verifyLog(
      (after) => connection.log(after),
      async () => {
        const beats = await connection.executors(); // first, so that none has seen more than the head says
        const { head, entries } = await loadWhole(connection);
        return { head, entries, beats };
      },
    );
  }

  async forgetExecutor(executorId: string, options: Parameters<ControlPlane['forgetExecutor']>[1] = {}): Promise<void> {
    checkKeys('forgetExecutor', options, { writer: true });
    return forgetExecutor(this.#connection, executorId, options.writer);
  }

  async settled(): Promise<void> {
    await this.#snapshots.rest();
  }

  async close(): Promise<void> {
    await this.#operating?.close();
    await this.settled();
    await this.#connection.close();
  }

  async #append(command: Command): Promise<Appended> {
    const appended = await this.#changes.append(command).catch((error: unknown) => {
      throw isKillSwitchError(error) && error.code === 'NOT_INITIALISED' ? notInitialised(this.#place) : error;
    });
    void this.#snapshots.begin();
    return appended;
  }

  /** A store that folds its log may keep the state apart; what proves it goes into the log like any change. */
  async #keepSnapshot(): Promise<void> {
    const mark = await this.#connection.keepSnapshot();
    if (mark) await this.#changes.append({ type: 'snapshot', mark });
  }

  /** Newest first. Whoever reads changes nothing: a kill past its end is shown as what it is. */
  #killRecords(state: State, time: string): KillRecord[] {
    const kills = [...state.activeKills()].sort((a, b) => b.epoch - a.epoch);
    return kills.map((kill) => ({
      ...killRecord(this.#organizationId, kill),
      ...(kill.expires_at !== null && kill.expires_at <= time && { overdue: true as const }),
    }));
  }

  async #loadState(): Promise<State> {
    const { head, entries } = await loadWhole(this.#connection);
    if (!head) throw notInitialised(this.#place);
    return stateFrom(entries, head);
  }

  async #set(command: Extract<Command, { readonly epoch?: number | undefined }>): Promise<ChangeAnswer> {
    const epoch = command.epoch ?? (await this.#connection.read([entryKey('control')])).head?.epoch;
    const { event, change } = await this.#append({ ...command, epoch });
    return { epoch: event.seq, already: change?.already ?? false };
  }
}

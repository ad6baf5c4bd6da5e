import { randomUUID } from 'node:crypto';
import {
  checkTimeout,
  type Clock,
  entryKey,
  type Head,
  idProblem,
  invalid,
  isAutonomyStage,
  isFeatureStage,
  isMode,
  KillSwitchError,
  type KillRecord,
  killRecord,
  type LogEvent,
  MODES,
  quoteId,
  type State,
  stateFrom,
} from '../flags/index.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES } from '../flags/stages.ts';
import type { ControlConnection, ControlStore } from '../store/ports.ts';
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
import { parseFlagsDefinition } from './flags-definition.ts';
import { forgetExecutor } from './forget-executor.ts';
import { givenUpBy } from './given-up.ts';
import { Hearing } from './hearing.ts';
import { killHeard } from './kill-heard.ts';
import { Operating } from './operate.ts';
import { judgeReports } from './judge-reports.ts';
import { type Command, entriesFor, notInitialised, type Operator } from './plan-change.ts';
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

const isoTime = (value: string | Date | undefined): string | null => {
  if (value === undefined) return null;
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) {
    throw invalid(`${JSON.stringify(value)} is not a time: write it as RFC 3339, for instance 2026-12-24T18:00:00Z.`);
  }
  return date.toISOString();
};

const oneOf = <T extends string>(
  what: string,
  value: T,
  is: (value: unknown) => boolean,
  all: readonly string[],
): T => {
  if (!is(value)) throw invalid(`${quoteId(value)} is not ${what}: it must be one of ${all.join(', ')}.`);
  return value;
};

/** Opens the operator's side over a store. It connects with the first call. @throws KillSwitchError INVALID_ARGUMENT */
export async function openControlPlane(options: OpenControlPlaneOptions): Promise<ControlPlane> {
  const organizationId = options.organizationId ?? 'default';
  for (const [what, id] of [
    ['organizationId', organizationId],
    ['operator.id', options.operator?.id],
  ] as const) {
    const problem = idProblem(id);
    if (problem) throw invalid(`${what} ${problem}.`);
  }
  const requestTimeoutMs = checkTimeout('requestTimeoutMs', options.requestTimeoutMs ?? 2000);
  const connection = options.store.open({ organizationId, requestTimeoutMs, onReading: options.onReading });
  const desk = { connection, operator: options.operator, retryMs: options.retryMs ?? 10_000 };
  const { clock = systemClock, onTrouble = () => {} } = options;
  const ownClock = options.store.ownClock === true;
  const operating = options.operate === true ? new Operating({ desk, ownClock, clock, onTrouble }) : null;
  return new StoreControlPlane(desk, organizationId, operating);
}

class StoreControlPlane implements ControlPlane {
  readonly #connection: ControlConnection;
  readonly #organizationId: string;
  readonly #changes: ChangeQueue;
  readonly #hearing: Hearing;
  readonly #operating: Operating | null;
  #keeping: Promise<void> | null = null;

  constructor(desk: Desk, organizationId: string, operating: Operating | null) {
    this.#connection = desk.connection;
    this.#organizationId = organizationId;
    this.#changes = new ChangeQueue(desk);
    this.#hearing = new Hearing(desk.connection);
    this.#operating = operating;
  }

  async init(): ReturnType<ControlPlane['init']> {
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

  async recover({ reason, exclude, include }: RecoverOptions): ReturnType<ControlPlane['recover']> {
    const { beats, view, remembered } = await this.#losses();
    const head = view.head;
    const reported = head ? await this.#connection.forks?.(head.generation) : undefined;
    const { heads: givenUp, total, ignored } = givenUpBy(beats, view, { reports: reported?.reports, remembered });
    const known = { head, control: view.get('control') };
    const read = { log: this.#connection.log, ...(reported && { forks: async () => reported }) };
    const { forks } = await judgeReports(beats, known, read);
    const epoch = view.head?.epoch ?? 0;
    const generation = randomUUID();
    const command = { type: 'recover', generation, reason, givenUp, epoch, exclude, include } as const;
    const { event, view: after } = await this.#append(command);
    const excluded = after.get('control')?.excluded ?? [];
    return { epoch: event.seq, already: false, given_up: givenUp, given_up_count: total, ignored, forks, excluded };
  }

  async #losses() {
    const view = await this.#connection.read([entryKey('control')]);
    const remembered = view.head ? [] : await this.#connection.remembered?.();
    return { view, beats: await this.#connection.executors(), remembered };
  }

  async kill({ target, reason, onProgress, waitMs = 0, ...options }: KillOptions): Promise<KillAnswer> {
    const mode = oneOf('a mode', options.mode ?? 'full_stop', isMode, MODES);
    const { lastsMs } = options;
    const expiresAt = isoTime(options.expiresAt);
    if (expiresAt !== null && lastsMs !== undefined) throw invalid('A kill has expiresAt or lastsMs, not both.');
    const { head, view, change } = await this.#append({ type: 'kill', target, mode, reason, expiresAt, lastsMs });
    const kill = view.get('kill', target);
    const acknowledgements = await killHeard(this.#hearing, { head, waitMs, onProgress });
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

  async revive({ target, reason, epoch }: Parameters<ControlPlane['revive']>[0]): ReturnType<ControlPlane['revive']> {
    const before = await this.#connection.read(entriesFor({ type: 'revive', target }));
    const command = { type: 'revive', target, reason, epoch: epoch ?? before.head?.epoch } as const;
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
    const mode = oneOf('a mode', options.mode, isMode, MODES);
    return this.#set({ type: 'mode', ...options, mode, targeting: options.targeting ?? null });
  }

  async setFeature(options: Parameters<ControlPlane['setFeature']>[0]): Promise<ChangeAnswer> {
    oneOf('a stage of a feature', options.stage, isFeatureStage, FEATURE_STAGES);
    return this.#set({ type: 'feature', ...options });
  }

  async setLimit(options: Parameters<ControlPlane['setLimit']>[0]): Promise<ChangeAnswer> {
    return this.#set({ type: 'limit', ...options });
  }

  async setAutonomy(options: Parameters<ControlPlane['setAutonomy']>[0]): Promise<ChangeAnswer> {
    oneOf('a stage of autonomy', options.stage, isAutonomyStage, AUTONOMY_STAGES);
    return this.#set({ type: 'autonomy', ...options });
  }

  async setFlags({ definition, ...options }: Parameters<ControlPlane['setFlags']>[0]): Promise<ChangeAnswer> {
    return this.#set({ type: 'flags', ...options, definition: parseFlagsDefinition(definition) });
  }

  async status(): Promise<Status> {
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

  async kills(): Promise<readonly KillRecord[]> {
    const state = await this.#loadState();
    const { time } = await this.#connection.read([entryKey('control')]);
    return this.#killRecords(state, time);
  }

  async executors(): ReturnType<ControlPlane['executors']> {
    const { beats, head, time } = await this.#hearing.hear();
    if (!head) throw notInitialised();
    return acknowledge(beats, { head, store: head, time }, 0).executors;
  }

  async interventions({
    limit = 100,
    proposals = false,
  }: Parameters<ControlPlane['interventions']>[0] = {}): ReturnType<ControlPlane['interventions']> {
    if (!Number.isInteger(limit) || limit < 1)
      throw invalid(`limit must be a whole number of at least 1, not ${limit}.`);
    const { interventions, unreadable } = await readInterventions(this.#connection.shelf, limit, proposals);
    return { data: interventions, count: interventions.length, unreadable };
  }

  surfaces(): Promise<readonly SurfaceRow[]> {
    return surfaceRows(this.#connection);
  }

  log({ after = 0 }: { readonly after?: number | undefined } = {}): AsyncIterable<LogEvent> {
    return this.#connection.log(after);
  }

  verifyLog(): ReturnType<ControlPlane['verifyLog']> {
    const connection = this.#connection;
    return verifyLog(
      (after) => connection.log(after),
      async () => {
        const beats = await connection.executors(); // first, so that none has seen more than the head says
        const { head, entries } = await connection.load(null);
        return { head, entries, beats };
      },
    );
  }

  forgetExecutor(executorId: string, { writer }: Parameters<ControlPlane['forgetExecutor']>[1] = {}): Promise<void> {
    return forgetExecutor(this.#connection, executorId, writer);
  }

  async settled(): Promise<void> {
    await this.#keeping;
  }

  async close(): Promise<void> {
    await this.#operating?.close();
    await this.settled();
    await this.#connection.close();
  }

  async #append(command: Command): Promise<Appended> {
    const appended = await this.#changes.append(command);
    // Nobody waits for it, and when it fails it is tried with a later change.
    this.#keeping ??= this.#keepSnapshot()
      .catch(() => {})
      .finally(() => {
        this.#keeping = null;
      });
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
    const { head, entries } = await this.#connection.load(null);
    if (!head) throw notInitialised();
    return stateFrom(entries, head);
  }

  async #set(command: Extract<Command, { readonly epoch?: number | undefined }>): Promise<ChangeAnswer> {
    const epoch = command.epoch ?? (await this.#connection.read([entryKey('control')])).head?.epoch;
    const { event, change } = await this.#append({ ...command, epoch });
    return { epoch: event.seq, already: change?.already ?? false };
  }
}

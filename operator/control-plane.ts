import type {
  AutonomyStage,
  FeatureStage,
  FlagdDefinition,
  Head,
  KillRecord,
  LogEvent,
  Mode,
  SurfaceRecord,
} from '../flags/index.ts';
import type { ReportedIntervention } from '../store/reports.ts';
import type { Acknowledgements, ExecutorAcknowledgement, SharedWriter } from './acknowledge.ts';
import type { LogVerification } from './verify-log.ts';

/** Why, and what the person had read: needed exactly where a change loosens. */
export interface ChangeOptions {
  /**
   * At most 2000 characters; required where the change gives authority back. Where it takes authority away, what is no
   * such text is made one.
   */
  readonly reason?: string | undefined;
  /**
   * The epoch that the person had read when deciding; default: the epoch when this call began. A target that was
   * restricted since is not loosened.
   */
  readonly epoch?: number | undefined;
}

export interface KillOptions {
  /** `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `feature:NAME` or `surface:NAME`. */
  readonly target: string;
  /** How much authority is left; default `full_stop`, never `live`. */
  readonly mode?: Mode | undefined;
  /**
   * At most 2000 characters. No kill is refused for its reason: what is no text (an error that was caught) is made one,
   * and what is longer is cut.
   */
  readonly reason?: string | undefined;
  /**
   * When the kill ends by itself; default: never. It ends by an event that an operating process appends
   * (`operate: true`, `kill-switch watch`), by no other's clock: without one it stays.
   */
  readonly expiresAt?: string | Date | undefined;
  /**
   * In place of `expiresAt`: how long it lasts from when it is recorded, in milliseconds, more than 0, by the store's
   * clock.
   */
  readonly lastsMs?: number | undefined;
  /**
   * How long to wait for executors to stop and drain, in milliseconds; default 0: what is known when `kill` returns.
   */
  readonly waitMs?: number | undefined;
  /** Called as executors obey, while it waits. */
  readonly onProgress?: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Called once, as soon as the kill is recorded and before anything is waited for. */
  readonly onRecorded?: ((recorded: { readonly epoch: number }) => void) | undefined;
  /** Ends the waiting, not the kill: the answer is then what is known, 300 ms after the append at the earliest. */
  readonly signal?: AbortSignal | undefined;
}

/** `already`: that target was killed as strictly and as long before; the call is recorded as a seconding. */
export interface KillAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
  readonly already: boolean;
  readonly acknowledgements: Acknowledgements;
}

export interface InitAnswer extends ChangeAnswer {
  readonly mode: Mode;
}

export interface ReviveOptions extends ChangeOptions {
  readonly target: string;
}

/** `targeting`: a rule of flagd's that answers with a mode, or null (default): the same for everyone. */
export interface ModeOptions extends ChangeOptions {
  readonly mode: Mode;
  readonly targeting?: unknown;
}

export interface FeatureOptions extends ChangeOptions {
  readonly name: string;
  readonly stage: FeatureStage;
}

export interface LimitOptions extends ChangeOptions {
  readonly name: string;
  readonly value: number;
}

export interface AutonomyOptions extends ChangeOptions {
  readonly action: string;
  readonly stage: AutonomyStage;
}

/** `definition`: a whole flagd definition; keys that begin with `kill-switch.` are refused. */
export interface FlagsOptions extends ChangeOptions {
  readonly definition: unknown;
}

/**
 * Which part of a list: so many are left out from the start (default 0), and so many are given at most (default: all).
 * Whole numbers.
 */
export interface Page {
  readonly skip?: number | undefined;
  readonly limit?: number | undefined;
}

/** After which `seq` the log is read; default 0: from the start. */
export interface LogOptions {
  readonly after?: number | undefined;
}

export interface FollowOptions extends LogOptions {
  /** Ends it. Without one it ends when whoever iterates stops. */
  readonly signal?: AbortSignal | undefined;
  /** Told once when the store stops answering, and with an empty text when it answers again. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
}

export interface InterventionsOptions {
  /** At most so many; default 100. */
  readonly limit?: number | undefined;
  /** Only proposals, which no number of refusals pushes out. */
  readonly proposals?: boolean | undefined;
}

export interface InterventionsAnswer {
  readonly data: readonly ReportedIntervention[];
  readonly count: number;
  /** How many records could not be read. */
  readonly unreadable: number;
}

/** `writer`: as `executors` shows it; needed where several report under one id. */
export interface ForgetOptions {
  readonly writer?: string | undefined;
}

/** What is reported of changes that the store has lost. */
export type ForksAnswer = Pick<Status, 'forks' | 'ignored_forks'>;

export interface ReviveAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
}

/** `already`: it was so before; the call is recorded as a seconding. */
export interface ChangeAnswer {
  readonly epoch: number;
  readonly already: boolean;
}

/**
 * `given_up`: what executors had seen and the store has no more, the highest first, at most 100 of `given_up_count`;
 * `ignored`: what nobody can have seen.
 */
export interface RecoverAnswer extends ChangeAnswer {
  readonly given_up: readonly Head[];
  readonly given_up_count: number;
  readonly ignored: ReadonlyArray<{ readonly executor: string; readonly why: string }>;
  /** Whose reports of forks had stopped everything, as `Status.forks`. */
  readonly forks: Status['forks'];
  /** Whose reports of forks are not believed from now on. */
  readonly excluded: readonly string[];
}

export interface RecoverOptions {
  readonly reason: string;
  /**
   * Whose reports of forks are not believed from now on: the name of an executor (as Redis knows it, where its user is
   * confined to that name), or `uid N`, the owner of what it writes in a file store. Such an executor stops nobody but
   * itself.
   */
  readonly exclude?: readonly string[] | undefined;
  /** Who is believed again. */
  readonly include?: readonly string[] | undefined;
}

export interface Status {
  readonly organization_id: string;
  readonly mode: Mode;
  /** The base mode's targeting rule, null where it is the same for everyone. */
  readonly targeting: unknown;
  readonly epoch: number;
  readonly head: Head;
  readonly active_kills: number;
  /** Newest first. */
  readonly kills: readonly KillRecord[];
  readonly features: Readonly<Record<string, FeatureStage>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly autonomy: Readonly<Record<string, AutonomyStage>>;
  readonly executors: readonly ExecutorAcknowledgement[];
  readonly shared_writers: readonly SharedWriter[];
  /**
   * Executors that report that the store has lost changes that they had seen; everything is stopped until `recover`.
   * `known_as`: what `exclude` takes for them, which may be another name than the one they give themselves.
   */
  readonly forks: readonly {
    readonly executor: string;
    readonly known_as: readonly string[];
    readonly held: Head | null;
  }[];
  /** What executors report of forks that proves nothing, and why. */
  readonly ignored_forks: ReadonlyArray<{ readonly executor: string; readonly why: string }>;
  /** Whose reports of forks an operator has said not to believe. */
  readonly excluded: readonly string[];
}

/** One action in one executor. `gaps` says what is missing: a write that no draft or redirect softens. */
export interface SurfaceRow extends SurfaceRecord {
  readonly executor_id: string;
  readonly executor: string;
  readonly host: string;
  readonly pid: number | null;
  readonly gaps: readonly string[];
}

/**
 * The operator's side: every change is one event in the log. A change that may not be made throws a ChangeRefusedError,
 * one that waits for somebody else to agree a ChangePendingError; both changed nothing.
 */
export interface ControlPlane {
  /**
   * Creates the control plane, once, in `draft_only`.
   * @throws ALREADY_INITIALISED, RECOVER_REQUIRED (executors had seen one here: it was wiped)
   */
  init(): Promise<InitAnswer>;
  /**
   * Accepts a store that was wiped, replaced, rolled back or forked; names the heads that it gives up. Kills that were
   * lost are not restored.
   */
  recover(options: RecoverOptions): Promise<RecoverAnswer>;
  /**
   * Stops or restricts a target. It is never refused for what governs restoring, and tried again for `retryMs` (default
   * 10 s) while the store does not take it. Returns 300 ms after the append was acknowledged, or later (`waitMs`): no
   * confirmed action starts after that, whatever the registry says.
   */
  kill(options: KillOptions): Promise<KillAnswer>;
  /** @throws REASON_REQUIRED, NOT_KILLED, CONFLICT (restricted again since `epoch`) */
  revive(options: ReviveOptions): Promise<ReviveAnswer>;
  /** The base mode. */
  setMode(options: ModeOptions): Promise<ChangeAnswer>;
  setFeature(options: FeatureOptions): Promise<ChangeAnswer>;
  setLimit(options: LimitOptions): Promise<ChangeAnswer>;
  setAutonomy(options: AutonomyOptions): Promise<ChangeAnswer>;
  /** The app's ordinary flags. A reason is required. */
  setFlags(options: FlagsOptions): Promise<ChangeAnswer>;
  status(): Promise<Status>;
  /** What `status` says of lost changes, without the rest. */
  forks(): Promise<ForksAnswer>;
  /** Active kills, newest first. How many there are in all `status` says. */
  kills(page?: Page): Promise<readonly KillRecord[]>;
  /** Where each executor stands. */
  executors(page?: Page): Promise<readonly ExecutorAcknowledgement[]>;
  /** The newest decisions that were not `allow`, newest first. */
  interventions(options?: InterventionsOptions): Promise<InterventionsAnswer>;
  /** What can act at all, and where. */
  surfaces(page?: Page): Promise<readonly SurfaceRow[]>;
  /** The log, oldest first. */
  log(options?: LogOptions): AsyncIterable<LogEvent>;
  /**
   * The log, and then each event as it is appended. An outage of the store is waited for. `return()` and the signal end
   * it at once, also while a `next()` waits.
   * @throws LOG_REPLACED when the event up to which it was followed is in the log no more: it was cut off, wiped or
   * replaced; CLOSED when the control plane is closed
   */
  follow(options?: FollowOptions): AsyncIterable<LogEvent>;
  /** The switch as one flagd definition. It has no end of its own: whoever goes on with it hears of no later change. */
  exportDefinition(): Promise<FlagdDefinition>;
  /** Whether the log is whole: no event edited, removed, inserted, reordered or cut off, and the state is its fold. */
  verifyLog(): Promise<LogVerification>;
  /**
   * An operator's word that an executor is gone.
   * @throws INVALID_ARGUMENT (several report under that id), NOT_FOUND (nobody does)
   */
  forgetExecutor(executorId: string, options?: ForgetOptions): Promise<void>;
  /**
   * Resolves when what goes on beside the answers is done: a file store keeps a snapshot now and then, so that its log
   * need not be read whole.
   */
  settled(): Promise<void>;
  close(): Promise<void>;
}

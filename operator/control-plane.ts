import type { AutonomyStage, FeatureStage, Head, KillRecord, LogEvent, Mode, SurfaceRecord } from '../flags/index.ts';
import type { ReportedIntervention } from '../store/reports.ts';
import type { Acknowledgements, ExecutorAcknowledgement, SharedWriter } from './acknowledge.ts';
import type { LogVerification } from './verify-log.ts';

/** Why, and what the person had read: needed exactly where a change loosens. */
export interface ChangeOptions {
  /** At most 2000 characters; required where the change gives authority back. Where it takes authority away, what is no such text is made one. */
  readonly reason?: string | undefined;
  /** The epoch that the person had read when deciding; default: the epoch when this call began. A target that was restricted since is not loosened. */
  readonly epoch?: number | undefined;
}

export interface KillOptions {
  /** `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `feature:NAME` or `surface:NAME`. */
  readonly target: string;
  /** How much authority is left; default `full_stop`, never `live`. */
  readonly mode?: Mode | undefined;
  /** At most 2000 characters. No kill is refused for its reason: what is no text (an error that was caught) is made one, and what is longer is cut. */
  readonly reason?: string | undefined;
  /** When the kill ends by itself; default: never. It ends by an event that an operating process appends (`operate: true`, `kill-switch watch`), by no other's clock: without one it stays. */
  readonly expiresAt?: string | Date | undefined;
  /** In place of `expiresAt`: how long it lasts from when it is recorded, in milliseconds, more than 0, by the store's clock. */
  readonly lastsMs?: number | undefined;
  /** How long to wait for executors to stop and drain, in milliseconds; default 0: what is known when `kill` returns. */
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

export interface ReviveAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
}

/** `already`: it was so before; the call is recorded as a seconding. */
export interface ChangeAnswer {
  readonly epoch: number;
  readonly already: boolean;
}

/** `given_up`: what executors had seen and the store has no more, the highest first, at most 100 of `given_up_count`; `ignored`: what nobody can have seen. */
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
   * Whose reports of forks are not believed from now on: the name of an executor (as Redis knows it, where its user is confined to that name), or
   * `uid N`, the owner of what it writes in a file store. Such an executor stops nobody but itself.
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
   * Executors that report that the store has lost changes that they had seen; everything is stopped until `recover`. `known_as`: what `exclude` takes for them, which
   * may be another name than the one they give themselves.
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

/** The operator's side: every change is one event in the log. A refused change throws a KillSwitchError and changes nothing. */
export interface ControlPlane {
  /** Creates the control plane, once, in `draft_only`. @throws ALREADY_INITIALISED, RECOVER_REQUIRED (executors had seen one here: it was wiped) */
  init(): Promise<ChangeAnswer & { readonly mode: Mode }>;
  /** Accepts a store that was wiped, replaced, rolled back or forked; names the heads that it gives up. Kills that were lost are not restored. */
  recover(options: RecoverOptions): Promise<RecoverAnswer>;
  /**
   * Stops or restricts a target. It is never refused for what governs restoring, and tried again for `retryMs` (default 10 s) while the store does not take it.
   * Returns 300 ms after the append was acknowledged, or later (`waitMs`): no confirmed action starts after that, whatever the registry says.
   */
  kill(options: KillOptions): Promise<KillAnswer>;
  /** @throws REASON_REQUIRED, NOT_KILLED, CONFLICT (restricted again since `epoch`) */
  revive(options: ChangeOptions & { readonly target: string }): Promise<ReviveAnswer>;
  /** The base mode. `targeting` is a flagd targeting rule that answers with a mode, or null (default): the same for everyone. */
  setMode(options: ChangeOptions & { readonly mode: Mode; readonly targeting?: unknown }): Promise<ChangeAnswer>;
  setFeature(options: ChangeOptions & { readonly name: string; readonly stage: FeatureStage }): Promise<ChangeAnswer>;
  setLimit(options: ChangeOptions & { readonly name: string; readonly value: number }): Promise<ChangeAnswer>;
  setAutonomy(
    options: ChangeOptions & { readonly action: string; readonly stage: AutonomyStage },
  ): Promise<ChangeAnswer>;
  /** The app's ordinary flags, as a whole flagd definition; keys that begin with `kill-switch.` are refused. A reason is required. */
  setFlags(options: ChangeOptions & { readonly definition: unknown }): Promise<ChangeAnswer>;
  status(): Promise<Status>;
  /** What `status` says of lost changes, without the rest. */
  forks(): Promise<Pick<Status, 'forks' | 'ignored_forks'>>;
  /** Active kills, newest first. */
  kills(): Promise<readonly KillRecord[]>;
  /** Where each executor stands. */
  executors(): Promise<readonly ExecutorAcknowledgement[]>;
  /** The newest decisions that were not `allow`, newest first; at most `limit` (default 100). `unreadable` counts records that could not be read. */
  interventions(options?: {
    readonly limit?: number | undefined;
    /** Only proposals, which no number of refusals pushes out. */
    readonly proposals?: boolean | undefined;
  }): Promise<{
    readonly data: readonly ReportedIntervention[];
    readonly count: number;
    readonly unreadable: number;
  }>;
  /** What can act at all, and where. */
  surfaces(): Promise<readonly SurfaceRow[]>;
  /** The log after that `seq` (default 0: from the start), oldest first. */
  log(options?: { readonly after?: number | undefined }): AsyncIterable<LogEvent>;
  /** Whether the log is whole: no event edited, removed, inserted, reordered or cut off, and the state is its fold. */
  verifyLog(): Promise<LogVerification>;
  /**
   * An operator's word that an executor is gone. `writer`: as `executors` shows it; needed where several report under one id.
   * @throws INVALID_ARGUMENT (several do), NOT_FOUND (nobody does)
   */
  forgetExecutor(executorId: string, options?: { readonly writer?: string | undefined }): Promise<void>;
  /** Resolves when what goes on beside the answers is done: a file store keeps a snapshot now and then, so that its log need not be read whole. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

import type {
  Amounts,
  AutonomyStage,
  BudgetWindow,
  FeatureRequirement,
  Decision,
  Effect,
  FeatureStage,
  FlagdDefinition,
  Head,
  KillRecord,
  LogEvent,
  MetRestriction,
  Mode,
  Performer,
  Rollback,
  SurfaceRecord,
  TripMode,
} from '../flags/index.ts';
import type { ReportedIntervention } from '../store/reports.ts';
import type { Acknowledgements, ExecutorAcknowledgement, SharedWriter } from './acknowledge.ts';
import type { BudgetRow, TripwireRow } from './budget-rows.ts';
import type { Evidence } from './evidence.ts';
import type {
  ApprovalsOptions,
  ExecutorsOptions,
  FollowApprovalsOptions,
  FollowInterventionsOptions,
  InterventionsAnswer,
  InterventionsOptions,
  KillsOptions,
  ListAnswer,
  LogOptions,
  Page,
  StandingApprovalsOptions,
  RulesOptions,
  SurfacesOptions,
} from './lists.ts';
import type { ApprovalRecord, StandingRecord } from './approval-records.ts';
import type { Difference } from './differences.ts';
import type { Matched } from './matched.ts';
import type { RollbackAction } from './rollback-outcomes.ts';
import type { RunAnswer, RunEntry, RunRow } from './runs.ts';
import type { RuleRecord } from './rule-record.ts';
import type { LogVerification } from './verify-log.ts';

/** Options of every change. */
export interface ChangeOptions {
  /**
   * At most 2000 characters; required where the change gives authority back. Where it takes authority away, any other
   * value is made into such a text.
   */
  readonly reason?: string | undefined;
  /**
   * The epoch that the operator had read when deciding; default: the epoch when this call began. What was restricted
   * since is not loosened.
   */
  readonly epoch?: number | undefined;
}

/** How a change that takes authority away is waited for. Any other change returns as soon as it is recorded. */
export interface WaitOptions<Told = ChangeAnswer> {
  /**
   * How long to wait for executors to stop and drain, in milliseconds. Default 0: the call returns with what is known
   * 300 ms after the append.
   */
  readonly waitMs?: number | undefined;
  /** Called once, as soon as the change is recorded, before any waiting. */
  readonly onRecorded?: ((recorded: Told) => void) | undefined;
  /** Called once, as soon as it is known what the change has hit. */
  readonly onMatched?: ((matched: Matched) => void) | undefined;
  /** Called while it waits, as executors obey. */
  readonly onProgress?: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting, not the change: the answer is then what is known, at the earliest 300 ms after the append. */
  readonly signal?: AbortSignal | undefined;
}

/** What is stopped, and how far, until when and why. */
export interface KillOptions extends WaitOptions<RecordedKill> {
  /** `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `feature:NAME` or `surface:NAME`. */
  readonly target: string;
  /** How much authority is left; default `full_stop`, never `live`. */
  readonly mode?: Mode | undefined;
  /**
   * At most 2000 characters. No kill is refused for its reason: another value (a caught error) is made into a text, and
   * a longer text is cut.
   */
  readonly reason?: string | undefined;
  /**
   * When the kill ends by itself; default: never. Only an operating process (`operate: true`, `kill-switch watch`) ends
   * it, by an event: without one it stays.
   */
  readonly expiresAt?: string | Date | undefined;
  /**
   * In place of `expiresAt`: how long the kill lasts after it was recorded, in milliseconds of the store's clock, more
   * than 0.
   */
  readonly lastsMs?: number | undefined;
}

/** A kill that is recorded. `kill`: null where it was lifted again before it was read back. */
export interface RecordedKill extends ChangeAnswer {
  readonly kill: KillRecord | null;
}

/** `already`: the target was already killed as strictly and for as long; the call is recorded as a seconding. */
export interface KillAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
  readonly already: boolean;
  readonly matched: Matched;
  readonly acknowledgements: Acknowledgements;
}

export interface InitAnswer extends ChangeAnswer {
  readonly mode: Mode;
}

export interface ReviveOptions extends ChangeOptions {
  readonly target: string;
}

/** `targeting`: a flagd rule that returns a mode; null (default): the same mode for everyone. */
export interface ModeOptions extends ChangeOptions, WaitOptions {
  readonly mode: Mode;
  readonly targeting?: unknown;
}

/**
 * `targeting`: a flagd rule that returns a stage; where it returns none, `stage` counts. Null (default): the same stage
 * for everyone.
 */
export interface FeatureOptions extends ChangeOptions, WaitOptions {
  readonly name: string;
  readonly stage: FeatureStage;
  readonly targeting?: unknown;
}

/**
 * What has to be shown before a feature goes beyond `shadow`, for anybody. What is not named stays as it was; 0 asks
 * for nothing of it, and where all is 0 there is no requirement.
 */
export interface RequirementOptions extends ChangeOptions {
  /** The feature. */
  readonly name: string;
  /** At least so many shadow runs, 0 to 10,000. */
  readonly runs?: number | undefined;
  /** On at least so many calendar days (UTC), 0 to 365. */
  readonly days?: number | undefined;
  /** At least this share of judged runs in which a person did the same, 0 to 1. */
  readonly agreement?: number | undefined;
}

/** A feature whose stage differs by context, or that needs evidence. */
export interface FeatureDetails {
  readonly targeting: unknown;
  readonly requirement: FeatureRequirement | null;
}

/** A feature with what executors have reported of it. */
export interface FeatureRow extends FeatureDetails {
  readonly name: string;
  readonly stage: FeatureStage;
  readonly shadow_runs: number;
  readonly agreement: number | null;
  /** How much its requirement still lacks. */
  readonly missing: readonly string[];
}

export interface LimitOptions extends ChangeOptions, WaitOptions {
  readonly name: string;
  /** A finite number from 0, in the unit that the limit declares. */
  readonly value: number;
}

export interface AutonomyOptions extends ChangeOptions, WaitOptions {
  readonly action: string;
  readonly stage: AutonomyStage;
}

/** Which budget: its scope, and its window where that is not the usual one. */
export interface RemoveBudgetOptions extends ChangeOptions {
  /** `day`, `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `user:ID`, `account:ID`; `run`: each one. */
  readonly scope: string;
  /**
   * `total` (default): without an end; `day` (default of the scope `day`); or a sliding window, in milliseconds: with
   * `calls` that is a rate.
   */
  readonly window?: BudgetWindow | undefined;
}

/** What is set of a budget; what is absent stays as it is. */
export interface BudgetOptions extends RemoveBudgetOptions {
  /** Dollars, with at most six decimals; null: not limited. */
  readonly usd?: number | null | undefined;
  /** Whole numbers; null: not limited. */
  readonly tokens?: number | null | undefined;
  readonly calls?: number | null | undefined;
  /** The time zone of a budget of a day, such as `Europe/Berlin`; default `UTC`. */
  readonly timeZone?: string | undefined;
  /** The share at which it warns once; default 0.8; null: it does not. */
  readonly warn?: number | null | undefined;
  /** What it leaves of the run, the agent or whatever it counts, when it trips; default `paused`. */
  readonly do?: TripMode | undefined;
  /** A rule of flagd's that answers with the name of a tier, by the context of the call; null: none. */
  readonly targeting?: unknown;
  /** The amounts of each tier. */
  readonly tiers?: Readonly<Record<string, Partial<Amounts>>> | undefined;
}

export interface RemoveTripwireOptions extends ChangeOptions {
  readonly name: string;
}

/** What is set of a tripwire; what is absent stays as it is. */
export interface TripwireOptions extends RemoveTripwireOptions {
  /** `repeats`, `failures`, `refusals`, `interventions`, `interventions:KIND` or `report:NAME`. */
  readonly on?: string | undefined;
  /** So many pass, and the next trips; a report trips above it. */
  readonly limit?: number | undefined;
  readonly windowMs?: number | undefined;
  /** What it counts for, and stops: each `run` (default) or each `agent`. */
  readonly scope?: 'run' | 'agent' | undefined;
  /** What it leaves; default `paused`. */
  readonly do?: TripMode | undefined;
}

/** A stop of an executor that the log does not have yet. */
export interface HeldStopRow {
  readonly target: string;
  readonly mode: Mode;
  /** `budget:day`, `tripwire:repeats`, `executor:mailer`. */
  readonly by: string;
  readonly reason: string | null;
}

/** Of which intent an operator says whether it has landed. */
export interface ResolveOptions extends ChangeOptions {
  /** The run in which it was intended; null: outside any run. */
  readonly run: string | null;
  readonly key: string;
  readonly landed: boolean;
}

/** `already`: somebody has said the same before. */
export interface ResolveAnswer extends ChangeAnswer {
  readonly entry: RunEntry;
}

/** What is to be undone: what one run, one mission or one agent has done. */
export interface RollbackScopeOptions {
  readonly run?: string | undefined;
  readonly mission?: string | undefined;
  /** Only with `since`. */
  readonly agent?: string | undefined;
  /** Only what was intended from then on, by the store's clock. */
  readonly since?: string | Date | undefined;
}

export interface RollbackOptions extends RollbackScopeOptions {
  /** Required: why it is undone. */
  readonly reason?: string | undefined;
  /** How long to wait until the target has stopped and drained, in milliseconds; default 5000. */
  readonly waitMs?: number | undefined;
  /** How long one reverse operation may take, in milliseconds: 10 to 3600000, default 30000. */
  readonly timeoutMs?: number | undefined;
  /** That of a preview: refused where there is something else to undo. The target is stopped all the same. */
  readonly hash?: string | undefined;
  /** True: has another executor take over one that is under way. Default: only where its executor has ended. */
  readonly takeOver?: boolean | undefined;
  /** Called once, when the rollback is recorded and an executor performs it. */
  readonly onBegun?: ((rollback: Rollback) => void) | undefined;
  /** Called while it waits for the target to stop. */
  readonly onProgress?: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting, not the rollback. */
  readonly signal?: AbortSignal | undefined;
}

/** What there is to undo, the last effect first. `hash` names this very list. */
export interface RollbackPreview {
  /** Null where it is not one run that is undone. */
  readonly run_id: string | null;
  readonly target: string;
  readonly since: string | null;
  readonly hash: string;
  readonly actions: readonly RollbackAction[];
}

/** What became of each effect. */
export interface RollbackAnswer extends RollbackPreview {
  /** Null where no executor was asked to undo anything. */
  readonly rollback: { readonly id: string; readonly epoch: number; readonly performer: Performer } | null;
  /** Why no more was tried; null where all was. */
  readonly stopped: string | null;
  /** How the target has stopped; null where an earlier call has stopped it. */
  readonly acknowledgements: Acknowledgements | null;
}

/** A standing restriction, and when and for whom it applies. Default: always, and for everybody. */
export interface RuleOptions extends ChangeOptions, WaitOptions<RecordedRule> {
  readonly name: string;
  /** As that of a kill. */
  readonly target: string;
  /** How much authority is left while it applies; never `live`. */
  readonly mode: Mode;
  /** When it applies, every week: `Mon-Fri 18:00-08:00 Europe/Berlin`. */
  readonly window?: string | undefined;
  /** In place of `window`, for one time: from when on; default: at once. */
  readonly from?: string | Date | undefined;
  /** And until when; default: without an end. */
  readonly until?: string | Date | undefined;
  /** In place of `until`: how long it lasts after it was recorded, in milliseconds of the store's clock. */
  readonly lastsMs?: number | undefined;
  /**
   * For how long before each opening new work waits, as in `paused`, while what runs may end, in milliseconds. Default
   * 0: what runs is aborted when the window opens.
   */
  readonly drainMs?: number | undefined;
  /**
   * For whom it applies: a condition of flagd's on the whole evaluation context. Where that cannot be judged, it does.
   */
  readonly when?: unknown;
}

export interface RuleRemoval extends ChangeOptions {
  readonly name: string;
}

/** A rule that is recorded. `rule`: null where it was removed again before it was read back. */
export interface RecordedRule extends ChangeAnswer {
  readonly rule: RuleRecord | null;
}

/** `matched` and `acknowledgements`: where it does not loosen the rule that was there. */
export interface RuleAnswer extends TighteningAnswer, RecordedRule {}

/** A call that is asked about, before anybody makes it. Who is not named is nobody in particular. */
export interface Question {
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  readonly runId?: string | undefined;
  readonly action?: string | undefined;
  /** Default `write`. */
  readonly effect?: Effect | undefined;
  readonly surface?: string | undefined;
  readonly feature?: string | undefined;
  /** The application's own attributes, as `run({ context })` gives them. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** Every restriction that meets a call, the strictest first, and what is decided by them. */
export interface Explanation {
  readonly decision: Decision;
  readonly restrictions: readonly MetRestriction[];
}

/** `definition`: a whole flagd definition; keys that begin with `kill-switch.` are refused. */
export interface FlagsOptions extends ChangeOptions {
  readonly definition: unknown;
}

export interface FollowOptions extends LogOptions {
  /** Ends the following. Without one it ends when the caller stops iterating. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when the store stops answering, with the problem; and with an empty text when it answers again. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
}

/** `writer`: as `executors` shows it; required where several writers report under one id. */
export interface ForgetOptions {
  readonly writer?: string | undefined;
}

/** Which request is approved, and how. */
export interface ApproveOptions {
  readonly id: string;
  /**
   * The `input_hash` that the approver was shown; refused where the request has another one. Default: that of the
   * request as it is found.
   */
  readonly inputHash?: string | undefined;
  /**
   * Other arguments, in the place of those that were asked for. They are recorded in the log, and must pass the schema
   * and every limit of the action when they are used. At most 65,536 characters of JSON.
   */
  readonly input?: unknown;
  /** At most 2000 characters. */
  readonly notes?: string | undefined;
}

/** Which request is rejected. An approval that was not used can be rejected too. */
export interface RejectOptions {
  readonly id: string;
  /** At most 2000 characters. */
  readonly reason?: string | undefined;
}

/** What is approved in advance: calls of one action by one agent, so many times, until a time. */
export interface AllowOptions {
  /** The exact name of the action. */
  readonly action: string;
  readonly agentId: string;
  /** Only in this run; default: in any. */
  readonly runId?: string | undefined;
  /** Only inputs that have these members with these values; default: any input. */
  readonly match?: Readonly<Record<string, unknown>> | undefined;
  /** How often, over all processes: 1 to 1000. */
  readonly times: number;
  /** When it ends; at most 30 days ahead. */
  readonly expiresAt?: string | Date | undefined;
  /** In place of `expiresAt`: how long it lasts after it was recorded, in milliseconds of the store's clock. */
  readonly lastsMs?: number | undefined;
  /** At most 2000 characters. */
  readonly notes?: string | undefined;
}

/** Which standing approval is withdrawn. */
export interface WithdrawStandingOptions {
  readonly id: string;
  readonly reason?: string | undefined;
}

/** `already`: it was decided so already; the call is recorded as a seconding. */
export interface ApprovalAnswer extends ChangeAnswer {
  readonly approval: ApprovalRecord;
}

export interface AllowAnswer extends ChangeAnswer {
  readonly standing: StandingRecord;
}

/** A request with what differs from the last one of its action that was approved. */
export interface ApprovalDetail extends ApprovalRecord {
  /** Null: none is kept, or one of the two was too long to be kept whole. `differences`: at most 100. */
  readonly last_approved: {
    readonly id: string;
    readonly requested_at: string;
    readonly differences: readonly Difference[];
  } | null;
}

/** `problems`: why there may be more requests, and which could not be read. */
export interface ApprovalsAnswer extends ListAnswer<ApprovalRecord> {
  readonly problems: readonly string[];
}

/** What executors report of changes that the store has lost. */
export type ForksAnswer = Pick<Status, 'forks' | 'ignored_forks'>;

/** The kill that was lifted, and the number of the change. */
export interface ReviveAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
}

/** `already`: nothing had to change; the call is recorded as a seconding. */
export interface ChangeAnswer {
  readonly epoch: number;
  readonly already: boolean;
}

/** `matched` and `acknowledgements`: where the change takes authority away. */
export interface TighteningAnswer extends ChangeAnswer {
  readonly matched?: Matched | undefined;
  readonly acknowledgements?: Acknowledgements | undefined;
}

/**
 * `given_up`: the heads that executors had seen and the store has lost, highest first, at most 100 of `given_up_count`;
 * `ignored`: reports of heads that no executor can have seen.
 */
export interface RecoverAnswer extends ChangeAnswer {
  readonly given_up: readonly Head[];
  readonly given_up_count: number;
  readonly ignored: ReadonlyArray<{ readonly executor: string; readonly why: string }>;
  /** The reports of forks that had stopped everything, as `Status.forks`. */
  readonly forks: Status['forks'];
  /** Executors whose reports of forks are ignored from now on. */
  readonly excluded: readonly string[];
  /** True where the store was empty, and a control plane was begun in it. */
  readonly created: boolean;
}

/** Why a changed store is accepted, and whose reports count. */
export interface RecoverOptions {
  readonly reason: string;
  /**
   * True: begins a control plane also where nothing shows that there ever was one: it was lost without a trace. Without
   * it such a store is refused, since it is probably not the one that was meant. Default false.
   */
  readonly create?: boolean | undefined;
  /**
   * Executors whose reports of forks are ignored from now on: by name (as Redis knows it, where its user is confined to
   * that name), or as `uid N`, the owner of its files in a file store. Such an executor stops nobody but itself.
   */
  readonly exclude?: readonly string[] | undefined;
  /** Executors whose reports count again. */
  readonly include?: readonly string[] | undefined;
}

/** The whole switch, as `status` shows it. */
export interface Status {
  readonly organization_id: string;
  readonly mode: Mode;
  /** The targeting rule of the base mode; null where the mode is the same for everyone. */
  readonly targeting: unknown;
  readonly epoch: number;
  readonly head: Head;
  readonly active_kills: number;
  /** Newest first. */
  readonly kills: readonly KillRecord[];
  /** The stage of each; where its rule answers with another one for some, `feature_details` has it. */
  readonly features: Readonly<Record<string, FeatureStage>>;
  /** Of the features that have a targeting rule or a requirement. */
  readonly feature_details: Readonly<Record<string, FeatureDetails>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly autonomy: Readonly<Record<string, AutonomyStage>>;
  /** How many requests wait for a person; null where this user may not read them. */
  readonly held_approvals: number | null;
  /** By name. */
  readonly rules: readonly RuleRecord[];
  readonly budgets: readonly BudgetRow[];
  readonly tripwires: readonly TripwireRow[];
  /** What executors have stopped and the log does not have yet: it holds, and `revive` lifts it. */
  readonly stops: readonly HeldStopRow[];
  readonly executors: readonly ExecutorAcknowledgement[];
  readonly shared_writers: readonly SharedWriter[];
  /**
   * Executors that report that the store has lost changes which they had seen; everything is stopped until `recover`.
   * `known_as`: the names that `exclude` takes for them, which may differ from the name that they give themselves.
   */
  readonly forks: readonly {
    readonly executor: string;
    readonly known_as: readonly string[];
    readonly held: Head | null;
  }[];
  /** Reports of forks that prove nothing, and why. */
  readonly ignored_forks: ReadonlyArray<{ readonly executor: string; readonly why: string }>;
  /** Executors that an operator has excluded: their reports of forks are ignored. */
  readonly excluded: readonly string[];
}

/** One action in one executor. `gaps`: what it lacks, for instance a write without a draft and a redirect. */
export interface SurfaceRow extends SurfaceRecord {
  readonly executor_id: string;
  readonly executor: string;
  readonly host: string;
  readonly pid: number | null;
  readonly gaps: readonly string[];
}

/**
 * The operator's side. Every change is one event in the log. A change that is refused throws a ChangeRefusedError; one
 * that waits for another person's agreement throws a ChangePendingError. Both have changed nothing.
 */
export interface ControlPlane {
  /**
   * Creates the control plane, once, in `draft_only`.
   * @throws ALREADY_INITIALISED, RECOVER_REQUIRED (executors had seen one here: it was wiped)
   */
  init(): Promise<InitAnswer>;
  /**
   * Accepts a store that was wiped, replaced, rolled back or forked, and records the heads that are given up. Lost
   * kills are not restored.
   * @throws REASON_REQUIRED; NOT_INITIALISED: the store is empty, and nothing shows that there was a control plane
   * (`create`)
   */
  recover(options: RecoverOptions): Promise<RecoverAnswer>;
  /**
   * Stops or restricts a target. No rule about giving authority back can refuse it; while the store does not take it,
   * it is tried again for `retryMs` (default 10 s). Returns 300 ms after the append was acknowledged, or later
   * (`waitMs`): no confirmed action starts after that, whatever executors report.
   */
  kill(options: KillOptions): Promise<KillAnswer>;
  /** @throws REASON_REQUIRED, NOT_KILLED, CONFLICT (restricted again since `epoch`) */
  revive(options: ReviveOptions): Promise<ReviveAnswer>;
  /**
   * The base mode. A change that takes authority away returns as `kill` does, 300 ms after the append or later; the
   * same goes for the other changes.
   */
  setMode(options: ModeOptions): Promise<TighteningAnswer>;
  /**
   * The stage of a feature, and its targeting rule. A reason is required where it may give anybody authority back.
   * @throws EVIDENCE_REQUIRED where it goes beyond `shadow` and its requirement is not met
   */
  setFeature(options: FeatureOptions): Promise<TighteningAnswer>;
  /** What a feature has to show before it goes beyond `shadow`. A reason is required where it asks for less. */
  setRequirement(options: RequirementOptions): Promise<ChangeAnswer>;
  /** Every feature that is set, with what executors have reported of it. */
  features(options?: Page): Promise<ListAnswer<FeatureRow>>;
  /** What executors have reported of a feature, and what its requirement still lacks. */
  evidence(name: string): Promise<Evidence>;
  /** A limit, in the unit that the limit declares. A reason is required where it rises. */
  setLimit(options: LimitOptions): Promise<TighteningAnswer>;
  /** How far an action may go without a person. A reason is required where it gives authority back. */
  setAutonomy(options: AutonomyOptions): Promise<TighteningAnswer>;
  /**
   * Sets a budget, or a part of it. A reason is required where it allows more. One that is lower than what is spent
   * trips with the next call.
   */
  setBudget(options: BudgetOptions): Promise<ChangeAnswer>;
  /** @throws REASON_REQUIRED */
  removeBudget(options: RemoveBudgetOptions): Promise<ChangeAnswer>;
  /** All budgets, with what is spent of them. */
  budgets(options?: Page): Promise<ListAnswer<BudgetRow>>;
  /** Sets a tripwire, or a part of it. A reason is required where it trips later. */
  setTripwire(options: TripwireOptions): Promise<ChangeAnswer>;
  /** Also one that is there by default. @throws REASON_REQUIRED */
  removeTripwire(options: RemoveTripwireOptions): Promise<ChangeAnswer>;
  tripwires(options?: Page): Promise<ListAnswer<TripwireRow>>;
  /** The app's ordinary flags. A reason is required. */
  setFlags(options: FlagsOptions): Promise<ChangeAnswer>;
  /** What people are asked: what waits first, of that what cannot be undone, then what costs most, then the newest. */
  approvals(options?: ApprovalsOptions): Promise<ApprovalsAnswer>;
  /** One request, with what differs from the last one of its action that was approved. @throws NOT_FOUND */
  approval(id: string): Promise<ApprovalDetail>;
  /** The requests that wait, and then each as it is asked, decided, used or over. Ends as `follow` does. */
  followApprovals(options?: FollowApprovalsOptions): AsyncIterable<ApprovalRecord>;
  /**
   * Approves exactly one request, or other arguments in the place of those it asked for. It is used at most once.
   * @throws NOT_FOUND, APPROVAL_ENDED (it is expired, rejected, used, cancelled or void), SELF_APPROVAL, SAME_APPROVER,
   * OTHER_ARGUMENTS
   */
  approve(options: ApproveOptions): Promise<ApprovalAnswer>;
  /** @throws NOT_FOUND, APPROVAL_ENDED */
  reject(options: RejectOptions): Promise<ApprovalAnswer>;
  /** Approves calls in advance. What restricts one of them later ends that for it, also where it is lifted again. */
  allow(options: AllowOptions): Promise<AllowAnswer>;
  /** The standing approvals, those that end first first. */
  standingApprovals(options?: StandingApprovalsOptions): Promise<ListAnswer<StandingRecord>>;
  /** @throws NOT_FOUND */
  withdrawStanding(options: WithdrawStandingOptions): Promise<ChangeAnswer>;
  /**
   * Adds a standing rule, or replaces the one of that name. A reason is required where it then restricts less than the
   * one before. Returns as `kill` does.
   */
  addRule(options: RuleOptions): Promise<RuleAnswer>;
  /** @throws REASON_REQUIRED, NOT_FOUND, CONFLICT (changed since `epoch`) */
  removeRule(options: RuleRemoval): Promise<ChangeAnswer>;
  /** The standing rules, by name. */
  rules(options?: RulesOptions): Promise<ListAnswer<RuleRecord>>;
  /** What would be decided about a call now, by the state of the store. Nothing is recorded. */
  check(question?: Question): Promise<Decision>;
  /** The same, with every restriction that meets the call. */
  explain(question?: Question): Promise<Explanation>;
  /**
   * The whole switch at one moment, with what executors report.
   * @throws NOT_INITIALISED, CORRUPT, STORE_UNREACHABLE, as every call that reads it
   */
  status(): Promise<Status>;
  /** Only what `status` says of lost changes. */
  forks(): Promise<ForksAnswer>;
  /** Active kills, newest first. */
  kills(options?: KillsOptions): Promise<ListAnswer<KillRecord>>;
  /** The state of each executor. */
  executors(options?: ExecutorsOptions): Promise<ListAnswer<ExecutorAcknowledgement>>;
  /** The decisions that were not `allow`, as many as the store keeps, newest first. */
  interventions(options?: InterventionsOptions): Promise<InterventionsAnswer>;
  /**
   * Each intervention as an executor reports it, in about a second. One that cannot be read is left out. Waits through
   * outages of the store, and ends as `follow` does.
   */
  followInterventions(options?: FollowInterventionsOptions): AsyncIterable<ReportedIntervention>;
  /** Every action that can be performed, with its executor. */
  surfaces(options?: SurfacesOptions): Promise<ListAnswer<SurfaceRow>>;
  /** The runs in which something was journaled, the one that began last first. */
  runs(options?: Page): Promise<ListAnswer<RunRow>>;
  /**
   * What a run has intended, and what became of it, oldest first. @param runId null: outside any run
   * @throws NOT_FOUND
   */
  run(runId: string | null, options?: Page): Promise<RunAnswer>;
  /**
   * Says whether an effect has landed of which its executor has not said so. Calls with its key are answered by that:
   * as `repeated`, or they may run once more. A reason is required.
   * @throws NOT_FOUND, INVALID_STATE (it is known), REASON_REQUIRED
   */
  resolve(options: ResolveOptions): Promise<ResolveAnswer>;
  /** What a rollback would undo. Nothing is recorded. @throws NOT_FOUND where the journal has nothing of the target */
  previewRollback(scope: RollbackScopeOptions): Promise<RollbackPreview>;
  /**
   * Stops the target, waits until it has drained, and has one executor undo what the target has done, the last effect
   * first. It passes the kills that stand on the target and above it then; any other or newer restriction stops it.
   * Where the same was asked before and has not ended, it goes on with that. The target stays stopped.
   * @throws REASON_REQUIRED, NOT_FOUND, CONFLICT (`hash`, or a kill was changed meanwhile)
   */
  rollback(options: RollbackOptions): Promise<RollbackAnswer>;
  /** The log, oldest first. @throws NOT_INITIALISED where there is none, CORRUPT at an event that cannot be read */
  log(options?: LogOptions): AsyncIterable<LogEvent>;
  /**
   * The log, and then each event as it is appended. Waits through outages of the store. `return()` and the signal end
   * it at once, also while a `next()` waits.
   * @throws LOG_REPLACED when the event up to which it was followed is no longer in the log: it was cut off, wiped or
   * replaced; CLOSED when the control plane is closed
   */
  follow(options?: FollowOptions): AsyncIterable<LogEvent>;
  /** The switch as one flagd definition, which does not end by itself: clients that use it see no later change. */
  exportDefinition(): Promise<FlagdDefinition>;
  /** Whether the log is whole: no event edited, removed, inserted, reordered or cut off, and the state is its fold. */
  verifyLog(): Promise<LogVerification>;
  /**
   * Takes an executor that is gone out of the count.
   * @throws INVALID_ARGUMENT (several writers report under that id), NOT_FOUND (none does)
   */
  forgetExecutor(executorId: string, options?: ForgetOptions): Promise<void>;
  /**
   * Resolves when background work is done: a file store writes a snapshot now and then, so that its log need not be
   * read whole.
   */
  settled(): Promise<void>;
  /**
   * Ends what it follows and its connection; asking again gives the same end. Any later call throws CLOSED. Changes
   * that were not sent yet are refused with CLOSED: nothing of them was recorded. It waits for what is being appended,
   * as long as a request may take and five seconds at most. A change that is not answered by then rejects with an error
   * that says that it may or may not have been recorded (STORE_UNREACHABLE).
   */
  close(): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

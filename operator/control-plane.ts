import type { Decision, FlagdDefinition, Head, KillRecord, LogEvent } from '../flags/index.ts';
import type { ExecutorAcknowledgement } from './acknowledge.ts';
import type {
  AddedAlert,
  AlertsAnswer,
  AlertTest,
  AgentsAnswer,
  AllowAnswer,
  ApprovalAnswer,
  ApprovalDetail,
  ApprovalsAnswer,
  ChangeAnswer,
  DrillPreview,
  Explanation,
  FeatureRow,
  ForksAnswer,
  GovernanceAnswer,
  InitAnswer,
  KillAnswer,
  LogArchive,
  NamingAnswer,
  RecoverAnswer,
  RequestAnswer,
  ResolveAnswer,
  ReviveAnswer,
  RollbackAnswer,
  RollbackPreview,
  RuleAnswer,
  Status,
  SurfaceRow,
  TighteningAnswer,
} from './answers.ts';
import type { ApprovalRecord, StandingRecord } from './approval-records.ts';
import type { BudgetRow, TripwireRow } from './budget-rows.ts';
import type { DrillAnswer, DrillRecord, DrillScheduleRecord } from './drill/records.ts';
import type { Evidence } from './evidence.ts';
import type { LogExport } from './export-log.ts';
import type { ForgetOptions } from './forget-executor.ts';
import type { AlertOptions, AlertRemoval } from './given/alert.ts';
import type { ApproveOptions, RejectOptions } from './given/approval.ts';
import type { DrillOptions, DrillScheduleOptions, DrillScopeOptions } from './given/drill.ts';
import type { AutonomyOptions } from './given/autonomy.ts';
import type { BudgetOptions, RemoveBudgetOptions } from './given/budget.ts';
import type { DoctorAnswer } from './doctor/answer.ts';
import type { DoctorOptions } from './given/doctor.ts';
import type { FeatureOptions, RequirementOptions } from './given/feature.ts';
import type { FlagsOptions } from './given/flags.ts';
import type { GovernanceOptions, RequestOptions } from './given/governance.ts';
import type { KillOptions, ReviveOptions } from './given/kill.ts';
import type { LimitOptions } from './given/limit.ts';
import type { ArchiveLogOptions, ExportLinesOptions, ExportLogOptions, VerifyOptions } from './given/log.ts';
import type { ModeOptions } from './given/mode.ts';
import type { Question } from './given/question.ts';
import type { RecoverOptions } from './given/recover.ts';
import type { ResolveOptions } from './given/resolve.ts';
import type { RollbackOptions, RollbackScopeOptions } from './given/rollback.ts';
import type { RuleOptions, RuleRemoval } from './given/rule.ts';
import type { AllowOptions, WithdrawStandingOptions } from './given/standing.ts';
import type { RemoveTripwireOptions, TripwireOptions } from './given/tripwire.ts';
import type {
  AgentsOptions,
  ApprovalsOptions,
  ExecutorsOptions,
  FollowApprovalsOptions,
  FollowInterventionsOptions,
  FollowOptions,
  InterventionsAnswer,
  InterventionsOptions,
  KillsOptions,
  ListAnswer,
  LogOptions,
  Page,
  RulesOptions,
  StandingApprovalsOptions,
  SurfacesOptions,
} from './lists.ts';
import type { RequestRecord } from './request-records.ts';
import type { RuleRecord } from './rule-record.ts';
import type { RunRow } from './run-rows.ts';
import type { RunAnswer } from './runs.ts';
import type { LogVerification } from './verify-log.ts';
import type { ReportedIntervention } from '../store/reports.ts';

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
  /**
   * Gives a target back what its kill has taken, as governance allows: where that goes step by step, one step, and the
   * kill stays.
   * @throws REASON_REQUIRED, NOT_KILLED, CONFLICT (restricted again since `epoch`), ROLE_REQUIRED, PENDING (another
   * person has to agree), SECOND_PERSON_REQUIRED, DWELL_REQUIRED, DRILL_REQUIRED, BREAK_GLASS_OFF
   */
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
  setBudget(options: BudgetOptions): Promise<NamingAnswer>;
  /** @throws REASON_REQUIRED */
  removeBudget(options: RemoveBudgetOptions): Promise<ChangeAnswer>;
  /** All budgets, with what is spent of them. */
  budgets(options?: Page): Promise<ListAnswer<BudgetRow>>;
  /** Sets a tripwire, or a part of it. A reason is required where it trips later. */
  setTripwire(options: TripwireOptions): Promise<NamingAnswer>;
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
  /** What giving authority back takes, beside a reason and a role. */
  governance(): Promise<GovernanceAnswer>;
  /**
   * Sets it, or a part of it. It takes the role `admin` and a reason; where it asks for less, what governance asks for.
   * @throws REASON_REQUIRED, ROLE_REQUIRED, PENDING
   */
  setGovernance(options: GovernanceOptions): Promise<ChangeAnswer>;
  /** The changes that wait for another person, the oldest first. */
  requests(options?: Page): Promise<ListAnswer<RequestRecord>>;
  /**
   * Agrees to what another person has asked for, and makes that change. To ask for the same change oneself does the
   * same.
   * @throws NOT_FOUND, SECOND_PERSON_REQUIRED (you have asked for it, or killed), CONFLICT
   */
  approveRequest(options: RequestOptions): Promise<RequestAnswer>;
  /** @throws NOT_FOUND */
  withdrawRequest(options: RequestOptions): Promise<RequestAnswer>;
  /**
   * Stops something on purpose, sees that it stops, undoes what it did itself, and gives back what it has stopped: only
   * its own stop, untouched by anybody since, which governance does not meet. A drill that has failed leaves stopped
   * what it has stopped, and says so (`stands`).
   * @throws INVALID_STATE (another drill is under way, or the target is stopped already), ROLE_REQUIRED
   */
  drill(options?: DrillOptions): Promise<DrillAnswer>;
  /** What a drill would stop, and what would keep it from being begun. Nothing is recorded. */
  previewDrill(options?: DrillScopeOptions): Promise<DrillPreview>;
  /** The last fifty drills, newest first. One that says nothing more is shown as abandoned. */
  drills(options?: Page): Promise<ListAnswer<DrillRecord>>;
  /** One of them with all that it has measured. @throws NOT_FOUND */
  drillReport(id: string): Promise<DrillAnswer>;
  /** The drills that come back, by name. */
  drillSchedules(options?: Page): Promise<ListAnswer<DrillScheduleRecord>>;
  /** Has an operating process (`operate: true`, `kill-switch watch`) run a drill again and again. */
  scheduleDrill(options: DrillScheduleOptions): Promise<ChangeAnswer>;
  /** @throws NOT_FOUND */
  removeDrillSchedule(name: string): Promise<ChangeAnswer>;
  /** Where alerts go, how many wait, and whether an operating process sends them. */
  alerts(options?: Page): Promise<AlertsAnswer>;
  /**
   * From now on tells somebody, or starts a command, when something happens. An operating process with `alerts` sends
   * it. It takes the role `admin`. `secret` is shown here only.
   * @throws INVALID_ARGUMENT (also for an address of a private network), INVALID_STATE (there is one of that name)
   */
  addAlert(options: AlertOptions): Promise<AddedAlert>;
  /** What waits for it is not sent any more. @throws NOT_FOUND, REASON_REQUIRED */
  removeAlert(options: AlertRemoval): Promise<ChangeAnswer>;
  /** Sends one alert that says that nothing has happened, once, from this process. @throws NOT_FOUND */
  testAlert(name: string): Promise<AlertTest>;
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
   * The whole switch at one moment, with what executors report. Of its kills those that are asked for, the newest
   * first; default: all. Each further call on the same control plane reads only what has changed since.
   * @throws NOT_INITIALISED, CORRUPT, STORE_UNREACHABLE, as every call that reads it
   */
  status(options?: Page): Promise<Status>;
  /**
   * Whether what the switch promises can be relied on here: the store, who may write it, clocks, executors. Nothing is
   * recorded. A store that cannot be read gives findings, and no error.
   */
  doctor(options?: DoctorOptions): Promise<DoctorAnswer>;
  /** Only what `status` says of lost changes. */
  forks(): Promise<ForksAnswer>;
  /** Where the log stands. @throws NOT_INITIALISED */
  head(): Promise<Head>;
  /** Active kills, newest first. */
  kills(options?: KillsOptions): Promise<ListAnswer<KillRecord>>;
  /** The state of each executor. */
  executors(options?: ExecutorsOptions): Promise<ListAnswer<ExecutorAcknowledgement>>;
  /** Who works now, and who did in the last day: those who work first, then those heard of last. */
  agents(options?: AgentsOptions): Promise<AgentsAnswer>;
  /** The decisions that were not `allow`, as many as the store keeps, newest first. */
  interventions(options?: InterventionsOptions): Promise<InterventionsAnswer>;
  /**
   * Each intervention as an executor reports it, in about a second. One that cannot be read is left out. Waits through
   * outages of the store, and ends as `follow` does.
   */
  followInterventions(options?: FollowInterventionsOptions): AsyncIterable<ReportedIntervention>;
  /** Every action that can be performed, with its executor. */
  surfaces(options?: SurfacesOptions): Promise<ListAnswer<SurfaceRow>>;
  /**
   * The runs that are open and have journaled nothing; then those in which something was journaled, the one that began
   * last first.
   */
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
  /**
   * Whether the log is whole: no event edited, removed, inserted, reordered or cut off, and the state is its fold. What
   * nobody has seen can be cut off unnoticed; `against` an earlier export or head it cannot.
   */
  verifyLog(options?: VerifyOptions): Promise<LogVerification>;
  /**
   * Writes the log to a file, a line an event exactly as it was hashed; with a key, between a header and the signed
   * head. Written whole or not at all.
   * @throws INVALID_STATE (something else is there, or it cannot be written), CORRUPT (the log is not whole)
   */
  exportLog(options: ExportLogOptions): Promise<LogExport>;
  /**
   * Writes the first part of the log to a file, as `exportLog` does, records that, and then has the store drop it: as
   * much as may be, in a folder up to a state that is kept there, in Redis up to an event whose number is a multiple
   * of 1000; nothing of the last 1000 events, and nothing that an executor has still to read. `file`: one that has what
   * was archived before is extended. It takes the role `admin`, and in Redis the user of an archiver.
   * @throws REASON_REQUIRED, ROLE_REQUIRED, NOT_PERMITTED, INVALID_STATE (nothing can be archived now, or not in this
   * store), ARCHIVED (the file lacks what was archived before), CONFLICT (somebody else has archived meanwhile)
   */
  archiveLog(options: ArchiveLogOptions): Promise<LogArchive>;
  /** The event with which the log begins, because what was before it was archived; null: with its first event. */
  archived(): Promise<Head | null>;
  /** The lines of such a file, without their ends. Whole only once the iteration has ended without an error. */
  exportLines(options?: ExportLinesOptions): AsyncIterable<string>;
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

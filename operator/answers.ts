import type {
  AlertTarget,
  AutonomyStage,
  Decision,
  DrillKind,
  FeatureRequirement,
  FeatureStage,
  Governance,
  Head,
  KillRecord,
  MetRestriction,
  Mode,
  Performer,
  Request,
  SurfaceRecord,
} from '../flags/index.ts';
import type { Acknowledgements, ExecutorAcknowledgement, SharedWriter } from './acknowledge.ts';
import type { ApprovalRecord, StandingRecord } from './approval-records.ts';
import type { BudgetRow, TripwireRow } from './budget-rows.ts';
import type { Difference } from './differences.ts';
import type { DrillRecord, DrillScheduleRecord, DrillStanding } from './drill/records.ts';
import type { HeldStopRow } from './held-stops.ts';
import type { ListAnswer } from './lists.ts';
import type { Matched } from './matched.ts';
import type { RequestRecord } from './request-records.ts';
import type { RollbackAction } from './rollback-outcomes.ts';
import type { RuleRecord } from './rule-record.ts';
import type { RunEntry } from './runs.ts';

/** `already`: nothing had to change; the call is recorded as a seconding. */
export interface ChangeAnswer {
  readonly epoch: number;
  readonly already: boolean;
}

/** `matched`: where the change names somebody, or something, that executors may not know. */
export interface NamingAnswer extends ChangeAnswer {
  readonly matched?: Matched | undefined;
}

/** `matched` and `acknowledgements`: where the change takes authority away. */
export interface TighteningAnswer extends ChangeAnswer {
  readonly matched?: Matched | undefined;
  readonly acknowledgements?: Acknowledgements | undefined;
}

/**
 * `events`: how many `file` has up to `epoch`; that event is also the first one that the log still has. `freed`: in
 * bytes. `already`: an earlier call had recorded it and was ended before it dropped anything; this one has.
 * `fingerprint`: of the key that has signed the file; null where it is not signed.
 */
export interface LogArchive extends ChangeAnswer {
  readonly file: string;
  readonly events: number;
  readonly head: Head;
  readonly fingerprint: string | null;
  readonly freed: number;
}

export interface InitAnswer extends ChangeAnswer {
  readonly mode: Mode;
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

/** A kill that is recorded. `kill`: null where it was lifted again before it was read back. */
export interface RecordedKill extends ChangeAnswer {
  readonly kill: KillRecord | null;
}

/**
 * `already`: the target was already killed as strictly and for as long; the call is recorded as a seconding.
 * `replicated`: how many of the `replicas` of the store have it, as they have said within about 100 ms; both null: not
 * known. None: if the store's own machine is lost now, so may the kill be. A store in a folder or in memory has none.
 */
export interface KillAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
  readonly already: boolean;
  readonly matched: Matched;
  readonly replicated: number | null;
  readonly replicas: number | null;
  readonly acknowledgements: Acknowledgements;
}

/** What giving authority back takes. `changed`: who has set that, and when; null where nobody has. */
export interface GovernanceAnswer extends Governance {
  readonly changed: { readonly epoch: number; readonly by: string; readonly at: string } | null;
}

/** What a drill would stop. */
export interface DrillPreview {
  readonly kind: DrillKind;
  readonly target: string;
  readonly window_ms: number;
  /** False for a kind that stops nothing of others. */
  readonly stops: boolean;
  readonly matched: Matched;
  /** The executor that would do the drill's own work; null: none. */
  readonly performer: Performer | null;
  /** What would keep it from being begun. */
  readonly findings: readonly string[];
  readonly notes: readonly string[];
  /** The drill that is under way; null: none is. */
  readonly running: { readonly id: string; readonly by: string; readonly until: string } | null;
  /** True where the target is stopped already. */
  readonly killed: boolean;
}

/** `request`: as it was asked for. */
export interface RequestAnswer extends ChangeAnswer {
  readonly request: Request;
}

/** Where alerts go, and how far that has come. */
export interface AlertRow extends Omit<AlertTarget, 'id' | 'given_up'> {
  /** How many alerts wait for it, at most 1000; null: this user may not read that. */
  readonly waiting: number | null;
  /** When one was last delivered; null: none, or this user may not read that. */
  readonly delivered_at: string | null;
  /** Why the last attempt has failed, and when the next one is due; null: it has not. */
  readonly failure: {
    readonly at: string;
    readonly problem: string;
    readonly failures: number;
    readonly next_at: string | null;
  } | null;
  /** How many could not be delivered in three days; null: none. */
  readonly given_up: { readonly count: number; readonly at: string } | null;
}

/** `sending`: whether an operating process sends alerts now; null: nobody is to be told, or you may not read that. */
export interface AlertsAnswer extends ListAnswer<AlertRow> {
  readonly sending: boolean | null;
}

/** `secret`: the key of the signature, which is shown here only; null: nothing is signed. */
export interface AddedAlert extends ChangeAnswer {
  readonly secret: string | null;
}

/** What came back of a test. `says`: a clause about the receiver. */
export interface AlertTest {
  readonly id: string;
  readonly delivered: boolean;
  readonly says: string;
}

/** How alerts stand. */
export interface AlertsStatus {
  /** How many targets there are. */
  readonly targets: number;
  /** How many alerts wait, at most 1000 for each target; null: you may not read that. */
  readonly waiting: number | null;
  /** The names of the targets that could not be reached at the last attempt. */
  readonly failing: readonly string[];
  /** As of {@link AlertsAnswer}. */
  readonly sending: boolean | null;
}

/** The kill that was lifted, or (`is_active`) made one step looser, and the number of the change. */
export interface ReviveAnswer {
  readonly kill: KillRecord;
  readonly epoch: number;
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

/** A rule that is recorded. `rule`: null where it was removed again before it was read back. */
export interface RecordedRule extends ChangeAnswer {
  readonly rule: RuleRecord | null;
}

/** `matched` and `acknowledgements`: where it does not loosen the rule that was there. */
export interface RuleAnswer extends TighteningAnswer, RecordedRule {}

/** Every restriction that meets a call, the strictest first, and what is decided by them. */
export interface Explanation {
  readonly decision: Decision;
  readonly restrictions: readonly MetRestriction[];
}

/** `already`: it was decided so already; the call is recorded as a seconding. */
export interface ApprovalAnswer extends ChangeAnswer {
  readonly approval: ApprovalRecord;
}

/** `matched`: whether executors know whom and what it names. */
export interface AllowAnswer extends ChangeAnswer {
  readonly standing: StandingRecord;
  readonly matched: { readonly agent: Matched; readonly action: Matched; readonly run?: Matched | undefined };
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

/** `already`: somebody has said the same before. */
export interface ResolveAnswer extends ChangeAnswer {
  readonly entry: RunEntry;
}

/** What there is to undo, the last effect first. `hash` names this very list. */
export interface RollbackFound {
  /** Null where it is not one run that is undone. */
  readonly run_id: string | null;
  readonly target: string;
  readonly since: string | null;
  readonly hash: string;
  readonly actions: readonly RollbackAction[];
}

/** What a rollback would undo, as it is now. */
export interface RollbackPreview extends RollbackFound {
  /** The executor that would perform it; null where there is none, or nothing to undo. */
  readonly performer: Performer | null;
  /** How many effects that executor can undo: it has registered what undoes them. */
  readonly able: number;
  /** Why there is no such executor; null where there is one, or none is needed. */
  readonly problem: string | null;
}

/** What became of each effect. */
export interface RollbackAnswer extends RollbackFound {
  /** Null where no executor was asked to undo anything. */
  readonly rollback: { readonly id: string; readonly epoch: number; readonly performer: Performer } | null;
  /** Why no more was tried, or is not waited for; null where all was tried. */
  readonly stopped: string | null;
  /** True: the rollback is not over. Its executor goes on with it, or may yet begin. */
  readonly goes_on: boolean;
  /** How the target has stopped; null where an earlier call has stopped it. */
  readonly acknowledgements: Acknowledgements | null;
}

/** What executors report of changes that the store has lost. */
export type ForksAnswer = Pick<Status, 'forks' | 'ignored_forks'>;

/** The whole switch, as `status` shows it. */
export interface Status {
  readonly organization_id: string;
  readonly mode: Mode;
  /** The targeting rule of the base mode; null where the mode is the same for everyone. */
  readonly targeting: unknown;
  readonly epoch: number;
  readonly head: Head;
  readonly active_kills: number;
  /** When the oldest active kill was made; null where nothing is killed. */
  readonly killed_since: string | null;
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
  readonly governance: GovernanceAnswer;
  /** When a drill was last passed, and whether one is overdue, by a schedule or by governance. */
  readonly drill: DrillStanding;
  /** The last ten, newest first. */
  readonly drills: readonly DrillRecord[];
  readonly drill_schedules: readonly DrillScheduleRecord[];
  /** The changes that wait for another person, the oldest first. */
  readonly requests: readonly RequestRecord[];
  readonly alerts: AlertsStatus;
  /** By name. */
  readonly rules: readonly RuleRecord[];
  readonly budgets: readonly BudgetRow[];
  readonly tripwires: readonly TripwireRow[];
  /** What executors have stopped and the log does not have yet: it holds, and `revive` lifts it. */
  readonly stops: readonly HeldStopRow[];
  /**
   * When an operating process last said that it runs, by the store's clock; null where none has in the last hour.
   * Without one nothing ends by its time, and no alert is sent.
   */
  readonly operating: { readonly last_at: string | null; readonly runs: boolean };
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
  /** Why the store may lose what it has acknowledged, and how to mend that; null where nothing says so. */
  readonly store_problem: string | null;
}

/** Who works, or has worked in the last day, as executors report it. At most 100 names of each kind. */
export interface AgentRow {
  readonly agent_id: string;
  /** True where an executor has a run of it open, or an action in flight. */
  readonly open: boolean;
  /** How many of its actions run, as far as executors name them. */
  readonly in_flight: number;
  /** Those that are open; where none is, those of the last day. */
  readonly runs: readonly string[];
  readonly missions: readonly string[];
  /** The names of those in which it works or has worked. */
  readonly executors: readonly string[];
  /** When it was last heard of. */
  readonly last_at: string;
  /** How much authority is left to its writes, whatever their action and run are. */
  readonly mode: Mode;
  /** What restricts it whatever it does, the strictest first. */
  readonly restrictions: readonly MetRestriction[];
}

/** `complete`: false where executors may have work of agents that they could not name. */
export interface AgentsAnswer extends ListAnswer<AgentRow> {
  readonly complete: boolean;
}

/** One action in one executor. `gaps`: what it lacks, for instance a write without a draft and a redirect. */
export interface SurfaceRow extends SurfaceRecord {
  readonly executor_id: string;
  readonly executor: string;
  readonly host: string;
  readonly pid: number | null;
  readonly gaps: readonly string[];
}

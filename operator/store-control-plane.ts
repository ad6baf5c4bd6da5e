import { randomUUID } from 'node:crypto';
import { notify } from '../flags/callbacks.ts';
import {
  compileFlagd,
  KILL_RETURN_MS,
  loosens,
  type Decision,
  entryKey,
  type FlagdDefinition,
  FOLDS,
  type KillRecord,
  KillSwitchError,
  killRecord,
  type LogEvent,
  type State,
  type Stop,
  stopActor,
  stopTerms,
} from '../flags/index.ts';
import { checkKeys } from '../flags/options.ts';
import { loadWhole } from '../store/answers.ts';
import {
  type ControlConnection,
  type ControlView,
  KEPT_INTERVENTIONS,
  KEPT_NOTICES,
  KEPT_PROPOSALS,
} from '../store/ports.ts';
import { readInterventions, type ReportedIntervention } from '../store/reports.ts';
import { acknowledge, type Acknowledgements, EVERYTHING, type ExecutorAcknowledgement } from './acknowledge.ts';
import type { ApprovalRecord, StandingRecord } from './approval-records.ts';
import {
  allApprovals,
  followApprovals,
  heldApprovals,
  lastApproved,
  oneApproval,
  requestToDecide,
  standingRecords,
} from './approvals.ts';
import { type BudgetRow, budgetRows, type TripwireRow, tripwireRows } from './budget-rows.ts';
import type { Order, Recorded } from './change-queue.ts';
import { type Command, type CommandOf, entriesFor, reachOf, restricts } from './commands.ts';
import { type Copied, copyStops } from './copy-stops.ts';
import type {
  AllowAnswer,
  AllowOptions,
  ApprovalAnswer,
  ApprovalDetail,
  ApprovalsAnswer,
  ApproveOptions,
  AutonomyOptions,
  BudgetOptions,
  ChangeAnswer,
  ControlPlane,
  Explanation,
  FeatureOptions,
  FeatureRow,
  FlagsOptions,
  FollowOptions,
  ForgetOptions,
  ForksAnswer,
  HeldStopRow,
  InitAnswer,
  KillAnswer,
  KillOptions,
  LimitOptions,
  ModeOptions,
  Question,
  RecoverAnswer,
  RecoverOptions,
  RequirementOptions,
  ResolveAnswer,
  ResolveOptions,
  RejectOptions,
  RemoveBudgetOptions,
  RemoveTripwireOptions,
  ReviveAnswer,
  RollbackAnswer,
  RollbackOptions,
  RollbackPreview,
  RollbackScopeOptions,
  ReviveOptions,
  RuleAnswer,
  RuleOptions,
  RuleRemoval,
  Status,
  SurfaceRow,
  TighteningAnswer,
  TripwireOptions,
  WithdrawStandingOptions,
} from './control-plane.ts';
import { type Evidence, evidenceOf } from './evidence.ts';
import { promotionOf, readReports } from './promotion.ts';
import { followInterventions } from './follow-interventions.ts';
import { followLog } from './follow-log.ts';
import {
  givenFollow,
  givenFollowApprovals,
  givenFollowInterventions,
  givenList,
  givenLog,
  givenSurfaces,
} from './given-list.ts';
import {
  APPROVAL_FILTERS,
  EXECUTOR_FILTERS,
  INTERVENTION_FILTERS,
  KILL_FILTERS,
  RULE_FILTERS,
  STANDING_FILTERS,
} from './list-filters.ts';
import {
  type ApprovalsOptions,
  type ExecutorsOptions,
  type FollowApprovalsOptions,
  type FollowInterventionsOptions,
  type InterventionsAnswer,
  type InterventionsOptions,
  type KillsOptions,
  type ListAnswer,
  type LogOptions,
  type Page,
  partOf,
  type StandingApprovalsOptions,
  type RulesOptions,
  type SurfacesOptions,
} from './lists.ts';
import { forgetExecutor } from './forget-executor.ts';
import {
  type Given,
  type GivenWaiting,
  approvalId,
  givenAllow,
  givenApprove,
  givenAutonomy,
  givenFeature,
  givenFeatureName,
  givenFlags,
  givenKill,
  givenLimit,
  givenMode,
  givenRecover,
  givenRequirement,
  givenResolve,
  givenReject,
  givenRevive,
  givenWithdrawStanding,
  takesNone,
} from './given.ts';
import { givenBudget, givenRemovedBudget, givenRemovedTripwire, givenTripwire } from './given-budgets.ts';
import { givenQuestion, givenRule, givenRuleRemoval } from './given-rule.ts';
import { givenRollback, givenScope } from './given-rollback.ts';
import { givenUpBy, isSeen } from './given-up.ts';
import { judgeCall } from './judge-call.ts';
import { judgeReports } from './judge-reports.ts';
import { whatIsHit } from './hit.ts';
import type { Matched } from './matched.ts';
import type { OpenedSwitch } from './opened-switch.ts';
import type { Operator } from './operators.ts';
import { ruleRecord, type RuleRecord } from './rule-record.ts';
import { previewOf, rollBack } from './rollback.ts';
import { ChangeRefusedError, NotInitialisedError } from './refusals.ts';
import {
  givenRun,
  journalsOf,
  noRun,
  runEntry,
  type ResolvedIntents,
  runRows,
  type RunAnswer,
  type RunRow,
  toResolve,
  wholeRun,
} from './runs.ts';
import { featureDetails, killRecords, ruleRecords, statusOf } from './status.ts';
import { stopHeard } from './stop-heard.ts';
import { surfaceRows } from './surface-rows.ts';
import { type LogVerification, verifyLog } from './verify-log.ts';

/** The longest list of interventions, or of one executor's proposals, that a store keeps. */
const KEPT = Math.max(KEPT_INTERVENTIONS, KEPT_PROPOSALS, KEPT_NOTICES);

/** How long the copy of a stop is tried that is to be lifted, in milliseconds. */
const REVIVE_RETRY_MS = 10_000;

async function* filtered<T>(items: AsyncIterable<T>, matches: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of items) if (matches(item)) yield item;
}

/** A switch in a store, for one operator. */
export class StoreControlPlane implements ControlPlane {
  readonly #opened: OpenedSwitch;
  readonly #operator: Operator;
  readonly #close: () => Promise<void>;

  /** @param close called by `close`; default: nothing, because others may go on using `opened` */
  constructor(opened: OpenedSwitch, operator: Operator, close: () => Promise<void> = async () => {}) {
    this.#opened = opened;
    this.#operator = operator;
    this.#close = close;
  }

  get #connection(): ControlConnection {
    return this.#opened.connection;
  }

  get #organizationId(): string {
    return this.#opened.place.organizationId;
  }

  async init(...given: readonly unknown[]): Promise<InitAnswer> {
    takesNone('init', given);
    const { beats, view, remembered } = await this.#losses();
    if (!view.head && givenUpBy(beats, view, { remembered }).total > 0) {
      throw new ChangeRefusedError({ kind: 'wiped', place: this.#opened.place });
    }
    const { event, view: after } = await this.#append({ type: 'init', generation: randomUUID() });
    return { epoch: event.seq, already: false, mode: after.get('mode')?.mode ?? 'draft_only' };
  }

  async recover(options: RecoverOptions): Promise<RecoverAnswer> {
    const { create, event: asked } = givenRecover(options);
    const { beats, view, remembered } = await this.#losses();
    const head = view.head;
    const reported = head ? await this.#connection.forks?.read(head.generation) : undefined;
    const lost = givenUpBy(beats, view, { reports: reported?.reports, remembered });
    const { heads: givenUp, total, ignored } = lost;
    const known = { head, control: view.get('control') };
    const read = { log: this.#connection.log, forks: reported ? { read: async () => reported } : null };
    const { forks } = await judgeReports(beats, known, read);
    const epoch = view.head?.epoch ?? 0;
    const generation = randomUUID();
    const begins = create || isSeen(beats, lost);
    const command = { type: 'recover', generation, givenUp, begins, epoch, ...asked } as const;
    const { event, view: after } = await this.#append(command);
    const excluded = after.get('control')?.excluded ?? [];
    return {
      epoch: event.seq,
      already: false,
      given_up: givenUp,
      given_up_count: total,
      ignored,
      forks,
      excluded,
      created: !head,
    };
  }

  /** A ledger that cannot be read hides no budget. */
  async #budgetRows({ state, time }: { readonly state: State; readonly time: string }): Promise<BudgetRow[]> {
    if (state.budgets.size === 0) return [];
    const kept = await this.#connection.ledger?.accounts().catch(() => null);
    const stopped = new Set((await this.#heldStops(state)).map(({ target }) => target));
    return budgetRows({ state, now: Date.parse(time), stopped }, kept?.accounts ?? null);
  }

  /** What executors have stopped, beside what the log says; unreadable stops hold nobody. */
  async #heldStops(state: State): Promise<HeldStopRow[]> {
    const stops = await this.#stopsTill(state).catch(() => []);
    return stops.flatMap((stop): HeldStopRow[] => {
      const terms = stopTerms(state, stop);
      return terms ? [{ target: stop.target, mode: terms.mode, by: stopActor(stop), reason: terms.reason }] : [];
    });
  }

  /** The stops of executors that name no epoch beyond this state's. */
  async #stopsTill({ epoch }: State): Promise<readonly Stop[]> {
    const kept = (await this.#connection.stops?.list()) ?? [];
    return kept.flatMap((each) => ('stop' in each && each.stop.epoch <= epoch ? [each.stop] : []));
  }

  async #losses() {
    const view = await this.#connection.read([entryKey('control')]);
    const remembered = view.head ? [] : await this.#connection.anchors?.remembered();
    return { view, beats: await this.#connection.executors(), remembered };
  }

  async kill(options: KillOptions): Promise<KillAnswer> {
    const { command, waiting } = givenKill(options);
    const { target } = command;
    const recorded = await this.#append(command);
    const { head, view, change } = recorded;
    const found = view.get('kill', target);
    const kill = found ? killRecord(this.#organizationId, found) : null;
    const already = change?.already ?? false;
    notify(waiting.onRecorded, { epoch: head.epoch, already, kill });
    const heard = await this.#heard(command, recorded, waiting);
    if (!kill) {
      // It was recorded, and lifted again before it was read back.
      throw new KillSwitchError(
        'CONFLICT',
        `The kill of ${target} was recorded at epoch ${head.epoch}, and has been lifted since.`,
      );
    }
    return { kill, epoch: head.epoch, already, ...heard };
  }

  async revive(options: ReviveOptions): Promise<ReviveAnswer> {
    const given = givenRevive(options);
    const { target } = given;
    const before = await this.#beforeRevive(given);
    const command = { ...given, epoch: given.epoch ?? before.head?.epoch };
    const { event, change } = await this.#append(command);
    // The plan knows the kill that it lifts. Where the answer to the append was lost there is no plan: then the kill
    // that was read before stands for it.
    const kill = change ? change.ends : (before.get('kill', target) ?? null);
    if (!kill) {
      throw new KillSwitchError(
        'CONFLICT',
        `The revive of ${target} was recorded at epoch ${event.seq}. The kill that it has lifted was recorded after this request began, so only the log shows it: kill-switch log`,
      );
    }
    const revived = { by: event.actor, at: event.at, reason: event.reason };
    return { kill: killRecord(this.#organizationId, kill, revived), epoch: event.seq };
  }

  /** What a person has read who lifts a kill. One that only executors know of is recorded first. */
  async #beforeRevive(given: CommandOf<'revive'>): Promise<ControlView> {
    const connection = this.#connection;
    const read = await connection.read(entriesFor(given));
    if (read.get('kill', given.target) || !connection.stops) return read;
    const copied = await this.#copyStops(given.target);
    return copied.stops === 0 ? read : connection.read(entriesFor(given));
  }

  /** Records what executors have stopped by themselves. `target`: only what stops that; default: all. */
  #copyStops(target?: string): Promise<Copied> {
    const append = (order: Order): Promise<Recorded> => this.#opened.append(order);
    return copyStops({ connection: this.#connection, append, retryMs: REVIVE_RETRY_MS, target });
  }

  async setMode(options: ModeOptions): Promise<TighteningAnswer> {
    return this.#setOrStop(givenMode(options));
  }

  async setFeature(options: FeatureOptions): Promise<TighteningAnswer> {
    const { command, waiting } = givenFeature(options);
    const promotion = await promotionOf(command, this.#connection);
    return this.#setOrStop({
      command: { ...command, ...promotion, epoch: command.epoch ?? promotion?.epoch },
      waiting,
    });
  }

  async setRequirement(options: RequirementOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenRequirement(options)));
  }

  async features(options: Page = {}): Promise<ListAnswer<FeatureRow>> {
    const { skip, limit } = givenList('features', options, {});
    const { state, time } = await this.#opened.whole();
    const reports = await readReports(this.#connection.shelf);
    const { data, count } = partOf([...state.features], { skip, limit });
    return {
      data: data.map(([name, entry]) => {
        const { stage, shadow_runs, agreement, missing } = evidenceOf(name, entry, reports, time);
        return { name, stage, ...featureDetails(entry), shadow_runs, agreement, missing };
      }),
      count,
    };
  }

  async evidence(name: string): Promise<Evidence> {
    const { name: feature } = givenFeatureName(name);
    const view = await this.#connection.read([entryKey('control'), entryKey('feature', feature)]);
    if (!view.head) throw new NotInitialisedError(this.#opened.place);
    return evidenceOf(feature, view.get('feature', feature), await readReports(this.#connection.shelf), view.time);
  }

  async setLimit(options: LimitOptions): Promise<TighteningAnswer> {
    return this.#setOrStop(givenLimit(options));
  }

  async setAutonomy(options: AutonomyOptions): Promise<TighteningAnswer> {
    return this.#setOrStop(givenAutonomy(options));
  }

  async setBudget(options: BudgetOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenBudget(options)));
  }

  async removeBudget(options: RemoveBudgetOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenRemovedBudget(options)));
  }

  async budgets(options: Page = {}): Promise<ListAnswer<BudgetRow>> {
    const page = givenList('budgets', options, {});
    return partOf(await this.#budgetRows(await this.#opened.whole()), page);
  }

  async setTripwire(options: TripwireOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenTripwire(options)));
  }

  async removeTripwire(options: RemoveTripwireOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenRemovedTripwire(options)));
  }

  async tripwires(options: Page = {}): Promise<ListAnswer<TripwireRow>> {
    const page = givenList('tripwires', options, {});
    return partOf(tripwireRows((await this.#opened.whole()).state), page);
  }

  async setFlags(options: FlagsOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenFlags(options)));
  }

  async approvals(options: ApprovalsOptions = {}): Promise<ApprovalsAnswer> {
    const { matches, ...page } = givenList('approvals', options, APPROVAL_FILTERS);
    const { records, problems } = await allApprovals(this.#connection);
    return { ...partOf(records.filter(matches), page), problems };
  }

  async approval(id: string): Promise<ApprovalDetail> {
    const record = await oneApproval(this.#connection, approvalId(id));
    const { records } = await allApprovals(this.#connection);
    return { ...record, last_approved: lastApproved(record, records) };
  }

  followApprovals(options: FollowApprovalsOptions = {}): AsyncIterable<ApprovalRecord> {
    return followApprovals(this.#connection, this.#opened.closed, givenFollowApprovals(options));
  }

  async approve(options: ApproveOptions): Promise<ApprovalAnswer> {
    const { id, inputHash, edited, ...given } = givenApprove(options);
    const found = await requestToDecide(this.#connection, id, this.#operator.id);
    const { input_hash } = found.request;
    if (inputHash !== undefined && inputHash !== input_hash) {
      const why = `the arguments that were shown have the hash ${inputHash}, and those of the request ${input_hash}`;
      throw new ChangeRefusedError({ kind: 'other_arguments', id, why });
    }
    const other = edited?.input_hash === input_hash ? null : edited;
    const recorded = await this.#append({ type: 'approve', found, edited: other, ...given });
    return { approval: await oneApproval(this.#connection, id), ...answerTo(recorded) };
  }

  async reject(options: RejectOptions): Promise<ApprovalAnswer> {
    const { id, ...given } = givenReject(options);
    const found = await requestToDecide(this.#connection, id, this.#operator.id);
    const recorded = await this.#append({ type: 'reject', found, ...given });
    return { approval: await oneApproval(this.#connection, id), ...answerTo(recorded) };
  }

  async allow(options: AllowOptions): Promise<AllowAnswer> {
    const recorded = await this.#append(givenAllow(options));
    const { data, actor, at, seq, reason } = recorded.event;
    const { id, action, agent_id, run_id, match, times, until } = FOLDS.standing.data.parse(data);
    const about = { id, action, agent_id, run_id, match, times, until };
    const standing = { ...about, used: 0, allowed_by: actor, allowed_at: at, notes: reason, epoch: seq };
    return { standing, ...answerTo(recorded) };
  }

  async standingApprovals(options: StandingApprovalsOptions = {}): Promise<ListAnswer<StandingRecord>> {
    const { matches, ...page } = givenList('standingApprovals', options, STANDING_FILTERS);
    return partOf((await standingRecords(this.#connection)).filter(matches), page);
  }

  async withdrawStanding(options: WithdrawStandingOptions): Promise<ChangeAnswer> {
    return answerTo(await this.#append(givenWithdrawStanding(options)));
  }

  async addRule(options: RuleOptions): Promise<RuleAnswer> {
    const { command, waiting } = givenRule(options);
    const recorded = await this.#set(command);
    const { view, event, change } = recorded;
    const found = view.get('rule', command.name);
    const rule = found ? ruleRecord(this.#organizationId, [command.name, found], event.at) : null;
    const answer = { ...answerTo(recorded), rule };
    notify(waiting.onRecorded, answer);
    if (change && loosens(change)) return answer;
    return { ...answer, ...(await this.#heard(command, recorded, waiting)) };
  }

  async removeRule(options: RuleRemoval): Promise<ChangeAnswer> {
    return answerTo(await this.#set(givenRuleRemoval(options)));
  }

  async rules(options: RulesOptions = {}): Promise<ListAnswer<RuleRecord>> {
    const asked = givenList('rules', options, RULE_FILTERS);
    const whole = await this.#opened.whole();
    return ruleRecords({ organizationId: this.#organizationId, ...whole }, asked);
  }

  async check(question: Question = {}): Promise<Decision> {
    return (await this.#judge('check', question)).decision;
  }

  async explain(question: Question = {}): Promise<Explanation> {
    return this.#judge('explain', question);
  }

  async #judge(what: 'check' | 'explain', question: Question): Promise<Explanation> {
    const asking = givenQuestion(what, question);
    const beats = await this.#connection.executors(); // first, so that none has seen more than the head says
    const whole = await this.#opened.whole();
    whole.state.stops.take(await this.#stopsTill(whole.state), whole.state);
    const { forks } = await judgeReports(beats, whole.state, this.#connection);
    return judgeCall({ organizationId: this.#organizationId, ...whole }, asking, forks);
  }

  async status(...given: readonly unknown[]): Promise<Status> {
    takesNone('status', given);
    const whole = await this.#opened.whole();
    const { state } = whole;
    const heard = await this.#opened.hearing.hear();
    return {
      ...statusOf({ organizationId: this.#organizationId, ...whole }, heard),
      held_approvals: await heldApprovals(this.#connection),
      budgets: await this.#budgetRows(whole),
      tripwires: tripwireRows(state),
      stops: await this.#heldStops(state),
      ...(await judgeReports(heard.beats, state, this.#connection)),
    };
  }

  async forks(...given: readonly unknown[]): Promise<ForksAnswer> {
    takesNone('forks', given);
    const beats = await this.#connection.executors(); // first, so that none has seen more than the head says
    const view = await this.#connection.read([entryKey('control')]);
    return judgeReports(beats, { head: view.head, control: view.get('control') }, this.#connection);
  }

  async kills(options: KillsOptions = {}): Promise<ListAnswer<KillRecord>> {
    const asked = givenList('kills', options, KILL_FILTERS);
    const whole = await this.#opened.whole();
    return killRecords({ organizationId: this.#organizationId, ...whole }, asked);
  }

  async executors(options: ExecutorsOptions = {}): Promise<ListAnswer<ExecutorAcknowledgement>> {
    const { matches, ...page } = givenList('executors', options, EXECUTOR_FILTERS);
    const { beats, head, time } = await this.#opened.hearing.hear();
    if (!head) throw new NotInitialisedError(this.#opened.place);
    const heard = beats.flatMap((beat) =>
      acknowledge([beat], { head, reach: EVERYTHING, store: head, time }, 0).executors.map((executor) => ({
        beat,
        executor,
      })),
    );
    const found = heard.filter(matches).map(({ executor }) => executor);
    return partOf(found, page);
  }

  async interventions(options: InterventionsOptions = {}): Promise<InterventionsAnswer> {
    const { matches, wanted, ...page } = givenList('interventions', options, INTERVENTION_FILTERS);
    const { shelf } = this.#connection;
    const { interventions, unreadable } = await readInterventions(shelf, KEPT, wanted.proposals);
    return { ...partOf(interventions.filter(matches), page), unreadable };
  }

  followInterventions(options: FollowInterventionsOptions = {}): AsyncIterable<ReportedIntervention> {
    const source = { shelf: this.#connection.shelf, closed: this.#opened.closed };
    return followInterventions(source, givenFollowInterventions(options));
  }

  async surfaces(options: SurfacesOptions = {}): Promise<ListAnswer<SurfaceRow>> {
    const { matches, ...page } = givenSurfaces(options);
    return partOf((await surfaceRows(this.#connection)).filter(matches), page);
  }

  async runs(options: Page = {}): Promise<ListAnswer<RunRow>> {
    const { skip, limit } = givenList('runs', options, {});
    return runRows(journalsOf(this.#connection), { skip, limit }, await this.#resolved());
  }

  async run(runId: string | null, options: Page = {}): Promise<RunAnswer> {
    const run_id = givenRun('run', runId);
    const { skip, limit } = givenList('run', options, {});
    const entries = await wholeRun(journalsOf(this.#connection), run_id, await this.#resolved());
    if (entries.length === 0) throw new KillSwitchError('NOT_FOUND', noRun(run_id));
    return { run_id, entries: entries.slice(skip, skip + limit), count: entries.length };
  }

  async resolve(options: ResolveOptions): Promise<ResolveAnswer> {
    const { run, key, landed, ...given } = givenResolve(options);
    const entry = await toResolve(journalsOf(this.#connection), { run, key }, await this.#resolved());
    const command = { type: 'resolve', runId: run, key, intent: entry.id, landed, ...given } as const;
    const recorded = await this.#append(command);
    return { ...answerTo(recorded), entry: runEntry(entry, await this.#resolved()) };
  }

  async previewRollback(options: RollbackScopeOptions): Promise<RollbackPreview> {
    const scope = givenScope('previewRollback', options);
    await this.#resolved(); // where there is no control plane, that is said
    return previewOf(this.#connection, scope);
  }

  async rollback(options: RollbackOptions): Promise<RollbackAnswer> {
    const given = givenRollback(options);
    const { connection, hearing, closed } = this.#opened;
    const append = (command: Command): Promise<Recorded> => this.#append(command);
    const kill = (asked: KillOptions): Promise<KillAnswer> => this.kill(asked);
    const copied = (): Promise<Copied> => this.#copyStops();
    return rollBack({ connection, hearing, closed, append, kill, copyStops: copied }, given);
  }

  /** @throws NotInitialisedError */
  async #resolved(): Promise<ResolvedIntents> {
    const view = await this.#connection.read([entryKey('resolutions')]);
    if (!view.head) throw new NotInitialisedError(this.#opened.place);
    return new Map((view.get('resolutions')?.resolved ?? []).map((each) => [each.intent, each]));
  }

  log(options: LogOptions = {}): AsyncIterable<LogEvent> {
    const { after, matches } = givenLog(options);
    return filtered(this.#opened.log(after), matches);
  }

  follow(options: FollowOptions = {}): AsyncIterable<LogEvent> {
    const connection = this.#connection;
    const followed = {
      log: (after: number) => connection.log(after),
      head: async () => (await connection.read([])).head,
      closed: this.#opened.closed,
    };
    return followLog(followed, givenFollow(options));
  }

  async exportDefinition(...given: readonly unknown[]): Promise<FlagdDefinition> {
    takesNone('exportDefinition', given);
    return compileFlagd((await this.#opened.whole()).state, { organizationId: this.#organizationId });
  }

  async verifyLog(...given: readonly unknown[]): Promise<LogVerification> {
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

  async forgetExecutor(executorId: string, options: ForgetOptions = {}): Promise<void> {
    const { writer } = checkKeys('forgetExecutor', options, { writer: true });
    return forgetExecutor(this.#connection, executorId, writer);
  }

  async settled(): Promise<void> {
    await this.#opened.settled();
  }

  async close(): Promise<void> {
    await this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #append(command: Command): Promise<Recorded> {
    return this.#opened.append({ command, actor: this.#operator });
  }

  async #set(command: Extract<Command, { readonly epoch?: number | undefined }>): Promise<Recorded> {
    const epoch = command.epoch ?? (await this.#connection.read([entryKey('control')])).head?.epoch;
    return this.#append({ ...command, epoch });
  }

  /** Sets a value. A change that takes authority away is heard as a kill is; so is one whose direction is not known. */
  async #setOrStop({
    command,
    waiting,
  }: Given<'mode'> | Given<'feature'> | Given<'limit'> | Given<'autonomy'>): Promise<TighteningAnswer> {
    const recorded = await this.#set(command);
    const answer = answerTo(recorded);
    notify(waiting.onRecorded, answer);
    const { change } = recorded;
    if (change && (loosens(change) || (change.already && !restricts(command)))) return answer;
    return { ...answer, ...(await this.#heard(command, recorded, waiting)) };
  }

  /** Waits for executors to obey a stop, and reads meanwhile what it has hit. */
  async #heard(
    command: Command,
    { head }: Recorded,
    { onMatched, ...waiting }: Omit<GivenWaiting, 'onRecorded'>,
  ): Promise<{ readonly matched: Matched; readonly acknowledgements: Acknowledgements }> {
    const { hearing, pace } = this.#opened;
    const reach = reachOf(command);
    const [matched, acknowledgements] = await Promise.all([
      whatIsHit(hearing, command, Math.max(KILL_RETURN_MS, waiting.waitMs)).then((known) => {
        notify(onMatched, known);
        return known;
      }),
      stopHeard(hearing, { head, reach, ...waiting }, pace),
    ]);
    return { matched, acknowledgements };
  }
}

const answerTo = ({ event, change }: Recorded): ChangeAnswer => ({
  epoch: event.seq,
  already: change?.already ?? false,
});

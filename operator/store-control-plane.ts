import { randomUUID } from 'node:crypto';
import { notify } from '../flags/callbacks.ts';
import {
  compileFlagd,
  KILL_RETURN_MS,
  loosens,
  entryKey,
  type FlagdDefinition,
  type KillRecord,
  KillSwitchError,
  killRecord,
  type LogEvent,
  type State,
  stopActor,
  stopTerms,
} from '../flags/index.ts';
import { checkKeys } from '../flags/options.ts';
import { loadWhole } from '../store/answers.ts';
import { type ControlConnection, type ControlView, KEPT_INTERVENTIONS, KEPT_PROPOSALS } from '../store/ports.ts';
import { readInterventions, type ReportedIntervention } from '../store/reports.ts';
import { acknowledge, type Acknowledgements, EVERYTHING, type ExecutorAcknowledgement } from './acknowledge.ts';
import { type BudgetRow, budgetRows, type TripwireRow, tripwireRows } from './budget-rows.ts';
import type { Order, Recorded } from './change-queue.ts';
import { copyStops } from './copy-stops.ts';
import { type Command, type CommandOf, entriesFor, reachOf, restricts } from './commands.ts';
import type {
  AutonomyOptions,
  BudgetOptions,
  ChangeAnswer,
  ControlPlane,
  FeatureOptions,
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
  RecoverAnswer,
  RecoverOptions,
  RemoveBudgetOptions,
  RemoveTripwireOptions,
  ReviveAnswer,
  ReviveOptions,
  Status,
  SurfaceRow,
  TighteningAnswer,
  TripwireOptions,
} from './control-plane.ts';
import { followInterventions } from './follow-interventions.ts';
import { followLog } from './follow-log.ts';
import { givenFollow, givenFollowInterventions, givenList, givenLog, givenSurfaces } from './given-list.ts';
import { EXECUTOR_FILTERS, INTERVENTION_FILTERS, KILL_FILTERS } from './list-filters.ts';
import {
  type ExecutorsOptions,
  type FollowInterventionsOptions,
  type InterventionsAnswer,
  type InterventionsOptions,
  type KillsOptions,
  type ListAnswer,
  type LogOptions,
  type Page,
  partOf,
  type SurfacesOptions,
} from './lists.ts';
import { forgetExecutor } from './forget-executor.ts';
import {
  type Given,
  type GivenWaiting,
  givenAutonomy,
  givenFeature,
  givenFlags,
  givenKill,
  givenLimit,
  givenMode,
  givenRecover,
  givenRevive,
  takesNone,
} from './given.ts';
import { givenBudget, givenRemovedBudget, givenRemovedTripwire, givenTripwire } from './given-budgets.ts';
import { givenUpBy, isSeen } from './given-up.ts';
import { judgeReports } from './judge-reports.ts';
import { whatIsHit } from './hit.ts';
import type { Matched } from './matched.ts';
import type { OpenedSwitch } from './opened-switch.ts';
import type { Operator } from './operators.ts';
import { ChangeRefusedError, NotInitialisedError } from './refusals.ts';
import { killRecords, statusOf } from './status.ts';
import { stopHeard } from './stop-heard.ts';
import { surfaceRows } from './surface-rows.ts';
import { type LogVerification, verifyLog } from './verify-log.ts';

/** The longest list of interventions, or of one executor's proposals, that a store keeps. */
const KEPT = Math.max(KEPT_INTERVENTIONS, KEPT_PROPOSALS);

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
    return budgetRows({ state, now: Date.parse(time) }, kept?.accounts ?? null);
  }

  /** What executors have stopped, beside what the log says; unreadable stops hold nobody. */
  async #heldStops(state: State): Promise<HeldStopRow[]> {
    const kept = (await this.#connection.stops?.list().catch(() => [])) ?? [];
    return kept.flatMap((each): HeldStopRow[] => {
      const terms = 'stop' in each && each.stop.epoch <= state.epoch ? stopTerms(state, each.stop) : null;
      if (!('stop' in each) || !terms) return [];
      const { target } = each.stop;
      return [{ target, mode: terms.mode, by: stopActor(each.stop), reason: terms.reason }];
    });
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
    const append = (order: Order): Promise<Recorded> => this.#opened.append(order);
    const copied = await copyStops({ connection, append, retryMs: REVIVE_RETRY_MS, target: given.target });
    return copied.stops === 0 ? read : connection.read(entriesFor(given));
  }

  async setMode(options: ModeOptions): Promise<TighteningAnswer> {
    return this.#setOrStop(givenMode(options));
  }

  async setFeature(options: FeatureOptions): Promise<TighteningAnswer> {
    return this.#setOrStop(givenFeature(options));
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

  async status(...given: readonly unknown[]): Promise<Status> {
    takesNone('status', given);
    const whole = await this.#opened.whole();
    const { state } = whole;
    const heard = await this.#opened.hearing.hear();
    return {
      ...statusOf({ organizationId: this.#organizationId, ...whole }, heard),
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

import { canonicalize } from 'json-canonicalize';
import {
  actionNameProblem,
  asksForNothing,
  AUTONOMY_FLOORS,
  type AutonomyStage,
  type BoundRequest,
  type EditedInput,
  type EntryKey,
  type EntryKind,
  type EntryPlace,
  type EventType,
  FEATURE_FLOORS,
  entryKey,
  type FeatureEvidence,
  type FeatureRequirement,
  type FeatureStage,
  type Head,
  idProblem,
  bothKills,
  type BudgetWindow,
  isSameBudget,
  isSameTripwire,
  killAdds,
  isSameForAll,
  isSameRequirement,
  isSameStage,
  MAX_APPROVAL_MS,
  messageOf,
  isNamed,
  type Mode,
  nameOfBudget,
  placesOfStop,
  type Rollback,
  readTarget,
  parseTarget,
  sameBaseMode,
  stagesOf,
  type StageTerms,
  sameRule,
  type StateView,
  type Stop,
  stopTerms,
  type Target,
  tripwireOf,
} from '../flags/index.ts';
import type { SnapshotMark } from '../store/capabilities/snapshots.ts';
import { type BudgetPart, budgetWith, type TripwirePart, tripwireWith } from './budget-changes.ts';
import { type AskedWindow, isDue, renewed, windowFor } from './compiled-window.ts';
import type { GivenReason } from './reason.ts';
import type { Refusal } from './refusals.ts';

/**
 * `epoch`: the epoch that the operator had read when deciding. Refused where the entry was restricted, tightened or
 * seconded since.
 */
interface Loosening extends GivenReason {
  readonly epoch?: number | undefined;
}

/** A request as it was found right before it is decided. */
export interface FoundRequest {
  readonly request: BoundRequest;
  /** How it has ended, by its executor or its time, or since something has restricted it; null where it has not. */
  readonly ended: { readonly status: string; readonly why: string } | null;
  /** Everybody who must not approve it, by the names that they may bear. */
  readonly requesters: readonly string[];
}

/** The members of each command, beside its type. */
interface Asked {
  readonly init: { readonly generation: string };
  readonly recover: {
    readonly generation: string;
    readonly givenUp: readonly Head[];
    /** True: it may begin a log where there is none. Something shows that there was one, or an operator says so. */
    readonly begins?: boolean | undefined;
    /** Executors whose reports of forks are ignored from now on, and those whose reports count again. */
    readonly exclude?: readonly string[] | undefined;
    readonly include?: readonly string[] | undefined;
  } & Loosening; // the epoch refuses the second of two simultaneous recovers
  readonly kill: {
    readonly target: string;
    readonly mode: Mode;
    readonly expiresAt: string | null;
    /** In place of `expiresAt`, in milliseconds from the store's time. */
    readonly lastsMs?: number | undefined;
  } & GivenReason;
  readonly revive: { readonly target: string } & Loosening;
  /**
   * An operating process ends a kill whose time is over. `expiresAt` is the end that it has judged: a kill that was
   * extended since stays.
   */
  readonly expire: { readonly target: string; readonly id: string; readonly expiresAt: string | null };
  readonly mode: { readonly mode: Mode; readonly targeting: unknown } & Loosening;
  /** `evidence`: what the reports of executors came to, where it goes beyond `shadow` and has a requirement. */
  readonly feature: {
    readonly name: string;
    readonly stage: FeatureStage;
    readonly targeting?: unknown;
    readonly evidence?: FeatureEvidence | undefined;
  } & Loosening;
  /** What is not named stays as it is; 0 asks for nothing of it. */
  readonly requirement: {
    readonly name: string;
    readonly asked: Partial<FeatureRequirement>;
  } & Loosening;
  readonly limit: { readonly name: string; readonly value: number } & Loosening;
  readonly autonomy: { readonly action: string; readonly stage: AutonomyStage } & Loosening;
  readonly flags: { readonly definition: Record<string, unknown> } & Loosening;
  /** Says whether an effect has landed of which its executor has not said so. */
  readonly resolve: {
    readonly runId: string | null;
    readonly key: string;
    /** The id of its intent. */
    readonly intent: string;
    readonly landed: boolean;
  } & Loosening;
  /** Asks that what a target has done is undone, as it was previewed, by that executor. */
  readonly rollback: Pick<Rollback, 'target' | 'since' | 'hash' | 'count' | 'kills' | 'performer'> & {
    readonly timeoutMs: number;
  } & Loosening;
  /** Has another executor go on with it. */
  readonly takeover: Pick<Rollback, 'id' | 'performer'> & Loosening;
  /** What one person says of exactly this request. */
  readonly approve: { readonly found: FoundRequest; readonly edited: EditedInput | null } & GivenReason;
  readonly reject: { readonly found: FoundRequest } & GivenReason;
  /** An operating process says once that nobody has answered these. */
  readonly escalate: { readonly requests: readonly BoundRequest[] };
  readonly standing: {
    readonly action: string;
    readonly agentId: string;
    readonly runId: string | null;
    readonly match: Readonly<Record<string, unknown>> | null;
    readonly times: number;
    /** Null: `lastsMs` says it, in milliseconds from the store's time. */
    readonly until: string | null;
    readonly lastsMs?: number | undefined;
  } & GivenReason;
  readonly standing_withdraw: { readonly id: string } & GivenReason;
  /** An operating process removes what can be used no more. */
  readonly lapse: { readonly approvals: readonly string[]; readonly standing: readonly string[] };
  readonly rule_add: {
    readonly name: string;
    readonly target: string;
    readonly mode: Mode;
    /** Null: at all times. */
    readonly window: AskedWindow | null;
    /** A condition of flagd's; null: for whoever asks. */
    readonly when: unknown;
  } & Loosening;
  readonly rule_remove: { readonly name: string } & Loosening;
  /** An operating process compiles a rule's window further ahead, when that is due. */
  readonly rule_renew: { readonly name: string };
  /** `part`: what is set of it, what is absent stays; null: it is removed. */
  readonly budget: {
    readonly scope: string;
    readonly window: BudgetWindow;
    readonly part: BudgetPart | null;
  } & Loosening;
  readonly tripwire: { readonly name: string; readonly part: TripwirePart | null } & Loosening;
  /** Copies an executor's stop. The reason says what was counted. */
  readonly stop: { readonly stop: Stop } & GivenReason;
  /** Records the proof of a snapshot that a store has kept. */
  readonly snapshot: { readonly mark: SnapshotMark };
}

export type CommandType = keyof Asked;
export type CommandOf<T extends CommandType> = { readonly type: T } & Asked[T];

/** A change that an operator, or the system, asks for. */
export type Command = { readonly [T in CommandType]: CommandOf<T> }[CommandType];

/** The view that a command is planned on: single entries and the head at one moment, with the store's time. */
export interface PlanView extends StateView {
  readonly head: Head | null;
  readonly time: string;
}

/** What an event says; who says it, and when, is added when it is planned. */
export interface EventContent {
  readonly type: EventType;
  readonly data: Record<string, unknown>;
}

/** What a command would do, before the checks. */
export type Wish =
  | ({ readonly is: 'event' } & EventContent)
  /** The state is so already; a seconding is recorded. */
  | { readonly is: 'already' }
  | { readonly is: 'refused'; readonly refusal: Refusal };

interface CommandRow<C> {
  /** The one entry that it changes, whose epoch shows whether the command comes too late. */
  readonly changes: (command: C) => EntryPlace;
  /**
   * What else it reads; default: the `control` entry, and with it whether this version understands the whole state. A
   * kill reads nothing else, so that nothing that a newer version has written can keep somebody from stopping.
   */
  readonly reads?: readonly EntryKind[];
  /** Further single entries that it reads. */
  readonly readsBeside?: (command: C) => readonly EntryPlace[];
  /** Further entries that it changes. */
  readonly also?: (command: C) => readonly EntryPlace[];
  readonly wish: (command: C, view: PlanView, commandId: string) => Wish;
  /** True for commands that begin a generation, also where there is no log yet. */
  readonly beginsGeneration?: true;
  /** The highest epoch that somebody may have seen, and this store has lost: an epoch only grows. */
  readonly beyond?: (command: C) => number;
  /** What a tightening of it reaches of the work in flight; null: nothing, only what starts from then on. */
  readonly reach?: (command: C) => Target | null;
  /** False for a value that takes no authority away; default: it does. */
  readonly restricts?: (command: C) => boolean;
  /** True for commands that give authority back without a reason: `init`, and a kill's end by time. */
  readonly needsNoReason?: true;
}

const event = (type: EventType, data: Record<string, unknown>): Wish => ({ is: 'event', type, data });
const refused = (refusal: Refusal): Wish => ({ is: 'refused', refusal });
const ALREADY: Wish = Object.freeze({ is: 'already' });

/** Null for a valid name. */
function nameRefused(of: string, name: string, problemOf = idProblem): Wish | null {
  const problem = problemOf(name);
  return problem === null ? null : refused({ kind: 'not_a_name', name, of, problem });
}

/** What an event says of a feature's stage. */
const saidOf = ({ stage, targeting }: StageTerms): Record<string, unknown> => ({
  stage,
  ...(!isSameForAll({ stage, targeting }) && { targeting }),
});

/** Null for a valid target. */
function targetRefused(target: string, read: (target: string) => unknown): Wish | null {
  try {
    read(target);
    return null;
  } catch (error) {
    return refused({ kind: 'not_a_target', problem: messageOf(error) });
  }
}

/**
 * One row a command: the entries that it reads, and the event that it makes. To add a command, copy a row here and its
 * members above.
 */
const ROWS: { readonly [T in CommandType]: CommandRow<CommandOf<T>> } = {
  init: {
    changes: () => ['control'],
    wish: ({ generation }, { head }) =>
      head ? refused({ kind: 'already_initialised', epoch: head.epoch, place: null }) : event('init', { generation }),
    beginsGeneration: true,
    needsNoReason: true,
  },
  recover: {
    changes: () => ['control'],
    reads: ['control', 'mode'],
    beginsGeneration: true,
    beyond: ({ givenUp }) => Math.max(0, ...givenUp.map(({ epoch }) => epoch)),
    wish: ({ generation, givenUp, begins, exclude = [], include = [] }, view) => {
      if (!view.head && !begins) return refused({ kind: 'never_seen', place: null });
      for (const name of exclude) {
        const wrong = nameRefused('an executor', name);
        if (wrong) return wrong;
      }
      const names = new Set([...(view.get('control')?.excluded ?? []), ...exclude]);
      for (const name of include) names.delete(name);
      const excluded = names.size > 0 ? { excluded: [...names] } : {};
      return event('recover', { generation, given_up: givenUp, ...excluded });
    },
  },
  kill: {
    changes: ({ target }) => ['kill', target],
    reach: ({ target }) => readTarget(target),
    reads: [],
    wish: ({ target, mode, lastsMs, ...command }, view, commandId) => {
      const wrong = targetRefused(target, parseTarget);
      if (wrong) return wrong;
      if (mode === 'live') return refused({ kind: 'live_kill' });
      const expiresAt = lastsMs === undefined ? command.expiresAt : endAfter(lastsMs, view.time);
      if (expiresAt === undefined) return refused({ kind: 'end_out_of_reach', lastsMs: Number(lastsMs) });
      if (expiresAt !== null && expiresAt <= view.time)
        return refused({ kind: 'end_passed', end: expiresAt, now: view.time });
      const active = view.get('kill', target);
      const terms = { mode, expires_at: expiresAt };
      // What is there cannot be read, so the event says the whole of it: another version, which can, comes to no less.
      if (active?.set_aside !== undefined) return event('kill', { id: commandId, target, ...bothKills(active, terms) });
      return killAdds(active, terms) ? event('kill', { id: commandId, target, ...terms }) : ALREADY;
    },
  },
  revive: {
    changes: ({ target }) => ['kill', target],
    wish: ({ target }, view) => {
      // Another version may have recorded a target that this one would refuse.
      const wrong = targetRefused(target, readTarget);
      if (wrong) return wrong;
      const active = view.get('kill', target);
      return active ? event('revive', { id: active.id, target }) : refused({ kind: 'not_killed', target });
    },
  },
  expire: {
    changes: ({ target }) => ['kill', target],
    wish: ({ target, id, expiresAt }, view) => {
      const active = view.get('kill', target);
      const isOver =
        active?.id === id &&
        active.expires_at !== null &&
        active.expires_at === expiresAt &&
        active.expires_at <= view.time;
      return isOver ? event('expire', { id, target }) : refused({ kind: 'not_killed', target });
    },
    needsNoReason: true,
  },
  mode: {
    changes: () => ['mode'],
    reach: () => ({ type: 'all', id: '' }),
    restricts: ({ mode, targeting }) => mode !== 'live' || (targeting ?? null) !== null,
    wish: ({ mode, targeting = null }, view) => {
      const before = view.get('mode');
      return before && sameBaseMode(before, { mode, targeting }) ? ALREADY : event('mode', { mode, targeting });
    },
  },
  feature: {
    changes: ({ name }) => ['feature', name],
    reach: ({ name }) => ({ type: 'feature', id: name }),
    restricts: (command) => stagesOf(command).some((stage) => FEATURE_FLOORS[stage] !== 'live'),
    wish({ name, evidence, ...terms }, view) {
      const before = view.get('feature', name);
      const wrong = nameRefused('a feature', name);
      if (wrong) return wrong;
      return before && isSameStage(before, terms)
        ? ALREADY
        : event('feature', { name, ...saidOf(terms), ...(evidence && { evidence }) });
    },
  },
  requirement: {
    changes: ({ name }) => ['feature', name],
    wish({ name, asked }, view) {
      const before = view.get('feature', name);
      const wrong = nameRefused('a feature', name);
      if (wrong) return wrong;
      const all = { runs: 0, days: 0, agreement: 0, ...before?.requirement, ...asked };
      const requirement = asksForNothing(all) ? undefined : all;
      return before && isSameRequirement(before.requirement, requirement)
        ? ALREADY
        : event('feature', { name, ...saidOf(before ?? { stage: 'dark' }), requirement: requirement ?? null });
    },
  },
  limit: {
    changes: ({ name }) => ['limit', name],
    wish: ({ name, value }, view) =>
      nameRefused('a limit', name) ??
      (view.get('limit', name)?.value === value ? ALREADY : event('limit', { name, value })),
  },
  autonomy: {
    changes: ({ action }) => ['autonomy', action],
    reach: ({ action }) => ({ type: 'action', id: action }),
    restricts: ({ stage }) => AUTONOMY_FLOORS[stage] !== 'live',
    wish: ({ action, stage }, view) =>
      nameRefused('an action', action, actionNameProblem) ??
      (view.get('autonomy', action)?.stage === stage ? ALREADY : event('autonomy', { action, stage })),
  },
  budget: {
    changes: (command) => ['budget', nameOfBudget(command)],
    wish: ({ scope, window, part }, view) => {
      const name = nameOfBudget({ scope, window });
      const before = view.get('budget', name);
      if (part === null) return before ? event('budget', { name, definition: null }) : ALREADY;
      const made = budgetWith(view, { scope, window }, part);
      if ('problem' in made) return refused({ kind: 'not_a_definition', problem: made.problem });
      return before && isSameBudget(made.definition, before)
        ? ALREADY
        : event('budget', { name, definition: made.definition });
    },
  },
  tripwire: {
    changes: ({ name }) => ['tripwire', name],
    wish: ({ name, part }, view) => {
      const before = tripwireOf(view, name);
      if (part === null) return before ? event('tripwire', { name, definition: null }) : ALREADY;
      const wrong = nameRefused('a tripwire', name);
      if (wrong) return wrong;
      const made = tripwireWith(view, name, part);
      if ('problem' in made) return refused({ kind: 'not_a_definition', problem: made.problem });
      return view.get('tripwire', name) && before && isSameTripwire(made.definition, before)
        ? ALREADY
        : event('tripwire', { name, definition: made.definition });
    },
  },
  stop: {
    changes: ({ stop }) => ['kill', stop.target],
    readsBeside: ({ stop }) => placesOfStop(stop),
    reach: ({ stop }) => readTarget(stop.target),
    wish: ({ stop }, view, commandId) => {
      const terms = stopTerms(view, stop);
      if (!terms) return refused({ kind: 'stop_over', target: stop.target });
      const { mode, counted, cause: why } = terms;
      const cause = why.kind === 'budget' || why.kind === 'tripwire' ? why : null;
      const active = view.get('kill', stop.target);
      if (active?.counted?.includes(counted) && !killAdds(active, { mode, expires_at: null }))
        return refused({ kind: 'stop_over', target: stop.target });
      return event('stop', { id: commandId, stop_id: stop.id, target: stop.target, mode, counted, cause });
    },
  },
  flags: { changes: () => ['flags'], wish: ({ definition }) => event('flags', { definition }) },
  resolve: {
    changes: () => ['resolutions'],
    wish: ({ runId, key, intent, landed }, view) => {
      const said = view.get('resolutions')?.resolved.findLast((each) => each.intent === intent);
      return said?.landed === landed
        ? ALREADY
        : event('resolve', { intent, landed, run_id: runId, idempotency_key: key });
    },
  },
  rollback: {
    changes: () => ['rollbacks'],
    also: ({ kills }) => kills.map(({ target }): EntryPlace => ['kill', target]),
    wish({ target, since, hash, count, timeoutMs, kills, performer }, view, commandId) {
      const changed = kills.find((named) => {
        const kill = view.get('kill', named.target);
        return !kill || !isNamed([named], kill);
      });
      if (changed || !kills.some((named) => named.target === target))
        return refused({ kind: 'not_stopped', target: changed?.target ?? target });
      const about = { id: commandId, target, since, hash, count, timeout_ms: timeoutMs, kills, performer };
      return event('rollback', about);
    },
  },
  takeover: {
    changes: () => ['rollbacks'],
    wish({ id, performer }, view) {
      const found = view.get('rollbacks')?.asked.some((each) => each.id === id);
      return found ? event('takeover', { id, performer }) : refused({ kind: 'no_rollback', id });
    },
  },
  approve: {
    changes: ({ found }) => ['approval', found.request.id],
    wish({ found, edited }, view) {
      const { request } = found;
      const entry = view.get('approval', request.id);
      const ended = endedBefore(found, view);
      if (ended) return ended;
      const other = (why: string): Wish => refused({ kind: 'other_arguments', id: request.id, why });
      if (entry && !isSame(entry.request, request)) return other('it is not the request that was decided before');
      if (entry && entry.given.length > 0 && entry.edited?.input_hash !== edited?.input_hash)
        return other('somebody else has approved it with other arguments');
      if (entry?.status === 'approved') return ALREADY;
      return event('approve', { request, ...(edited && { edited }) });
    },
    needsNoReason: true,
  },
  reject: {
    changes: ({ found }) => ['approval', found.request.id],
    wish({ found }, view) {
      if (view.get('approval', found.request.id)?.status === 'rejected') return ALREADY;
      return endedBefore(found, view) ?? event('reject', { request: found.request });
    },
  },
  escalate: {
    changes: ({ requests }) => ['approval', requests[0]?.id ?? ''],
    also: ({ requests }) => requests.map(({ id }) => ['approval', id]),
    wish({ requests }, view) {
      const open = requests.filter(({ id }) => {
        const entry = view.get('approval', id);
        return !entry || (entry.status === 'pending' && !entry.escalated);
      });
      const [first] = open.length > 0 ? open : requests;
      return open.length > 0
        ? event('escalate', { requests: open })
        : refused({ kind: 'approval_missing', id: first?.id ?? '', standing: false });
    },
  },
  standing: {
    changes: () => ['control'],
    wish({ action, agentId, runId, match, times, until, lastsMs }, view, commandId) {
      const wrong = nameRefused('an action', action, actionNameProblem) ?? nameRefused('an agent', agentId);
      if (wrong) return wrong;
      const end = lastsMs === undefined ? (until ?? undefined) : endAfter(lastsMs, view.time);
      if (end === undefined) return refused({ kind: 'end_out_of_reach', lastsMs: Number(lastsMs) });
      if (end <= view.time) return refused({ kind: 'end_passed', end, now: view.time });
      const longest = endAfter(MAX_APPROVAL_MS, view.time);
      if (longest !== undefined && end > longest) return refused({ kind: 'approval_too_long', end, longest });
      const about = { action, agent_id: agentId, run_id: runId, match, times, until: end };
      return event('standing', { id: commandId, ...about });
    },
    needsNoReason: true,
  },
  standing_withdraw: {
    changes: ({ id }) => ['standing', id],
    wish: ({ id }, view) =>
      view.get('standing', id)
        ? event('standing_withdraw', { id })
        : refused({ kind: 'approval_missing', id, standing: true }),
  },
  lapse: {
    changes: () => ['control'],
    also: ({ approvals, standing }) => [
      ...approvals.map((id): EntryPlace => ['approval', id]),
      ...standing.map((id): EntryPlace => ['standing', id]),
    ],
    wish({ approvals, standing }, view) {
      const isOver = (until: string | undefined): boolean => until !== undefined && until <= view.time;
      const over = {
        approvals: approvals.filter((id) => isOver(view.get('approval', id)?.request.expires_at)),
        standing: standing.filter((id) => isOver(view.get('standing', id)?.until)),
      };
      const [id = ''] = [...approvals, ...standing];
      return over.approvals.length + over.standing.length > 0
        ? event('lapse', over)
        : refused({ kind: 'approval_missing', id, standing: approvals.length === 0 });
    },
  },
  rule_add: {
    changes: ({ name }) => ['rule', name],
    reach: ({ target }) => readTarget(target),
    wish: ({ name, target, mode, window: asked, when }, view) => {
      const wrong = nameRefused('a rule', name) ?? targetRefused(target, parseTarget);
      if (wrong) return wrong;
      if (mode === 'live') return refused({ kind: 'live_rule' });
      const window = asked && windowFor(asked, view.time);
      if (window && 'refusal' in window) return refused(window.refusal);
      const rule = { target, mode, window, when: when ?? null };
      const before = view.get('rule', name);
      const isCurrent = before !== undefined && !isDue(before.window, Date.parse(view.time));
      return isCurrent && sameRule(before, rule) ? ALREADY : event('rule_add', { name, ...rule });
    },
  },
  rule_remove: {
    changes: ({ name }) => ['rule', name],
    wish: ({ name }, view) => {
      const rule = view.get('rule', name);
      return rule ? event('rule_remove', { name, target: rule.target }) : refused({ kind: 'no_rule', name });
    },
  },
  rule_renew: {
    changes: ({ name }) => ['rule', name],
    wish: ({ name }, view) => {
      const window = renewed(view.get('rule', name)?.window ?? null, view.time);
      return window ? event('rule_renew', { name, ...window }) : refused({ kind: 'not_due', name });
    },
    needsNoReason: true,
  },
  snapshot: { changes: () => ['control'], wish: ({ mark }) => event('snapshot', { ...mark }) },
};

/** Why a request cannot be decided any more; null where it can. */
function endedBefore({ request, ended }: FoundRequest, view: PlanView): Wish | null {
  const { id, generation, expires_at } = request;
  const because = (status: string, why: string): Wish => refused({ kind: 'approval_ended', id, status, why });
  if (ended) return because(ended.status, ended.why);
  if (view.get('approval', id)?.status === 'rejected') return because('rejected', 'was rejected');
  if (generation !== view.head?.generation) return because('voided', 'was asked for before the switch was recovered');
  return expires_at <= view.time ? because('expired', `has expired at ${expires_at}`) : null;
}

const isSame = (one: BoundRequest, other: BoundRequest): boolean => canonicalize(one) === canonicalize(other);

/** The row of a command's type. */
export const rowOf = <T extends CommandType>({ type }: { readonly type: T }): CommandRow<CommandOf<T>> => ROWS[type];

/** What a tightening by this command reaches of the work in flight; null: nothing, only what starts from then on. */
export const reachOf = (command: Command): Target | null => rowOf(command).reach?.(command) ?? null;

/** Whether what this command asks for takes any authority away, also where it changes nothing. */
export const restricts = (command: Command): boolean => rowOf(command).restricts?.(command) ?? true;

/**
 * The entries that must be read to plan this command. Only a few, so that a kill costs the same beside any number of
 * others.
 */
export function entriesFor(command: Command): EntryKey[] {
  const { changes, reads = ['control'], readsBeside, also } = rowOf(command);
  const places = [changes(command), ...(readsBeside?.(command) ?? []), ...(also?.(command) ?? [])];
  return [...new Set([...reads.map((single) => entryKey(single)), ...places.map((place) => entryKey(...place))])];
}

/**
 * The end of a kill by the store's clock, which may differ from the operator's. Undefined where there can be no such
 * end.
 */
function endAfter(lastsMs: number, now: string): string | undefined {
  const end = new Date(Date.parse(now) + lastsMs);
  return lastsMs > 0 && !Number.isNaN(end.getTime()) && end.getUTCFullYear() <= 9999 ? end.toISOString() : undefined;
}

import {
  type ActiveKill,
  actionNameProblem,
  type Direction,
  type EntryKey,
  type EntryKind,
  type EventType,
  entryKey,
  foldEvent,
  GENESIS,
  type Head,
  idProblem,
  invalid,
  isKillSwitchError,
  KillSwitchError,
  type LogEvent,
  laterEnd,
  MAX_EPOCH,
  messageOf,
  type Mode,
  type Patch,
  parseTarget,
  quoteId,
  readTarget,
  type StateView,
  sealEvent,
  strictness,
} from '../flags/index.ts';
import type { AutonomyStage, FeatureStage } from '../flags/index.ts';
import type { SnapshotMark } from '../store/ports.ts';
import type { GivenReason } from './reason.ts';

/** Who changes the switch. Roles and governance hold through the server; whoever can write the store directly is logged as unverified. */
export interface Operator {
  readonly id: string;
  readonly roles?: readonly string[] | undefined;
}

/** `epoch`: what the person had read when deciding to loosen; a target that was restricted, tightened or seconded since is not loosened. */
interface Loosening extends GivenReason {
  readonly epoch?: number | undefined;
}

/** What an operator asks for, one kind a verb. */
export type Command =
  | { readonly type: 'init'; readonly generation: string }
  | ({
      readonly type: 'recover';
      readonly generation: string;
      readonly givenUp: readonly Head[];
      /** Whose reports of forks are not believed any more, and whose are again. */
      readonly exclude?: readonly string[] | undefined;
      readonly include?: readonly string[] | undefined;
      /** What its person had read: of two that recover at once, one decides on what the other has changed already. */
      readonly epoch?: number | undefined;
    } & GivenReason)
  | ({
      readonly type: 'kill';
      readonly target: string;
      readonly mode: Mode;
      readonly expiresAt: string | null;
      /** In place of `expiresAt`, in milliseconds from the store's time. */
      readonly lastsMs?: number | undefined;
    } & GivenReason)
  | ({ readonly type: 'revive'; readonly target: string } & Loosening)
  /** Not an operator's: an operating process ends a kill whose time is over. `expiresAt` is the end that was judged; a kill that was extended since stays. */
  | { readonly type: 'expire'; readonly target: string; readonly id: string; readonly expiresAt: string | null }
  | ({ readonly type: 'mode'; readonly mode: Mode; readonly targeting: unknown } & Loosening)
  | ({ readonly type: 'feature'; readonly name: string; readonly stage: FeatureStage } & Loosening)
  | ({ readonly type: 'limit'; readonly name: string; readonly value: number } & Loosening)
  | ({ readonly type: 'autonomy'; readonly action: string; readonly stage: AutonomyStage } & Loosening)
  | ({ readonly type: 'flags'; readonly definition: Record<string, unknown> } & Loosening)
  | { readonly type: 'snapshot'; readonly mark: SnapshotMark };

/** One event, ready to be appended exactly where it was planned. */
export interface PlannedChange {
  readonly event: LogEvent;
  readonly patch: Patch;
  readonly head: Head;
  readonly direction: Direction;
  /** True when nothing but a seconding is recorded, because it was so already. */
  readonly already: boolean;
  /** The kill that it ends, as it was. */
  readonly ends: ActiveKill | null;
}

export type Plan =
  | { readonly is: 'change'; readonly change: PlannedChange }
  | { readonly is: 'refused'; readonly error: KillSwitchError };

/** What is read to plan: single entries and the head, at one moment, with the store's clock. */
export interface PlanView extends StateView {
  readonly head: Head | null;
  readonly time: string;
}

interface Wish {
  readonly type: EventType;
  readonly data: Record<string, unknown>;
}

interface CommandRow<C> {
  /** The one entry that it changes, and that decides whether it comes too late. */
  readonly entry: (command: C) => readonly [EntryKind, string?];
  readonly wish: (command: C, view: PlanView, commandId: string) => Wish;
}

type Rows = { readonly [T in Command['type']]: CommandRow<Extract<Command, { readonly type: T }>> };

const nameOf = (what: string, name: string, problemOf = idProblem): string => {
  const problem = problemOf(name);
  if (problem) throw invalid(`${quoteId(name)} is not the name of ${what}: it ${problem}.`);
  return name;
};

const targetOf = (target: string): string => {
  parseTarget(target);
  return target;
};

/** What is lifted may be what another version recorded. */
const recordedTargetOf = (target: string): string => {
  readTarget(target);
  return target;
};

const notKilled = (target: string): KillSwitchError =>
  new KillSwitchError('NOT_KILLED', `There is no active kill of ${target}. See what is stopped: kill-switch kills`);

/** Where a switch is looked for. */
export interface Place {
  readonly location: string;
  readonly organizationId: string;
}

/** Both are named: whoever has mistyped one of them sees it here. */
export const notInitialised = (place?: Place): KillSwitchError =>
  new KillSwitchError(
    'NOT_INITIALISED',
    `There is no control plane ${place ? `of the organization ${quoteId(place.organizationId)} in ${place.location}` : 'in this store'}. Create one with: kill-switch init. If there was one, it has been wiped: kill-switch recover --reason "…"`,
  );

/** The operator's clock may be another than the store's, by which the kill ends. */
function endAfter(lastsMs: number, now: string): string {
  const end = new Date(Date.parse(now) + lastsMs);
  if (!(lastsMs > 0) || Number.isNaN(end.getTime()) || end.getUTCFullYear() > 9999) {
    throw invalid(`A kill lasts for more than 0 ms, and to the year 9999 at most, not for ${lastsMs} ms.`);
  }
  return end.toISOString();
}

/** One row a command: what it reads, and the event that it wishes for. To add a verb, copy a row. */
const ROWS: Rows = {
  init: { entry: () => ['control'], wish: ({ generation }) => ({ type: 'init', data: { generation } }) },
  recover: {
    entry: () => ['control'],
    wish: ({ generation, givenUp, exclude = [], include = [] }, view) => {
      const names = new Set([
        ...(view.get('control')?.excluded ?? []),
        ...exclude.map((name) => nameOf('an executor', name)),
      ]);
      for (const name of include) names.delete(name);
      const excluded = names.size > 0 ? { excluded: [...names] } : {};
      return { type: 'recover', data: { generation, given_up: givenUp, ...excluded } };
    },
  },
  kill: {
    entry: ({ target }) => ['kill', targetOf(target)],
    wish: ({ target, mode, lastsMs, ...command }, view, commandId) => {
      const expiresAt = lastsMs === undefined ? command.expiresAt : endAfter(lastsMs, view.time);
      if (mode === 'live') throw invalid('A kill cannot leave a target live: to lift a kill, revive it.');
      if (expiresAt !== null && expiresAt <= view.time) {
        throw invalid(`The end ${expiresAt} has already passed: the store's clock says ${view.time}.`);
      }
      const active = view.get('kill', target);
      const adds =
        !active ||
        strictness(mode) > strictness(active.mode) ||
        laterEnd(active.expires_at, expiresAt) !== active.expires_at;
      return adds
        ? { type: 'kill', data: { id: commandId, target, mode, expires_at: expiresAt } }
        : { type: 'second', data: { kind: 'kill', name: target } };
    },
  },
  revive: {
    entry: ({ target }) => ['kill', recordedTargetOf(target)],
    wish: ({ target }, view) => {
      const active = view.get('kill', target);
      if (!active) throw notKilled(target);
      return { type: 'revive', data: { id: active.id, target } };
    },
  },
  expire: {
    entry: ({ target }) => ['kill', recordedTargetOf(target)],
    wish: ({ target, id, expiresAt }, view) => {
      const active = view.get('kill', target);
      if (active?.id !== id || active.expires_at === null) throw notKilled(target);
      if (active.expires_at !== expiresAt || active.expires_at > view.time) throw notKilled(target);
      return { type: 'expire', data: { id, target } };
    },
  },
  mode: {
    entry: () => ['mode'],
    wish: ({ mode, targeting }, view) => {
      const before = view.get('mode');
      const same = before?.mode === mode && JSON.stringify(before.targeting) === JSON.stringify(targeting ?? null);
      return same
        ? { type: 'second', data: { kind: 'mode', name: null } }
        : { type: 'mode', data: { mode, targeting: targeting ?? null } };
    },
  },
  feature: {
    entry: ({ name }) => ['feature', nameOf('a feature', name)],
    wish: ({ name, stage }, view) =>
      view.get('feature', name)?.stage === stage
        ? { type: 'second', data: { kind: 'feature', name } }
        : { type: 'feature', data: { name, stage } },
  },
  limit: {
    entry: ({ name }) => ['limit', nameOf('a limit', name)],
    wish: ({ name, value }, view) =>
      view.get('limit', name)?.value === value
        ? { type: 'second', data: { kind: 'limit', name } }
        : { type: 'limit', data: { name, value } },
  },
  autonomy: {
    entry: ({ action }) => ['autonomy', nameOf('an action', action, actionNameProblem)],
    wish: ({ action, stage }, view) =>
      view.get('autonomy', action)?.stage === stage
        ? { type: 'second', data: { kind: 'autonomy', name: action } }
        : { type: 'autonomy', data: { action, stage } },
  },
  flags: { entry: () => ['flags'], wish: ({ definition }) => ({ type: 'flags', data: { definition } }) },
  snapshot: { entry: () => ['control'], wish: ({ mark }) => ({ type: 'snapshot', data: { ...mark } }) },
};

const rowOf = (command: Command): CommandRow<Command> => ROWS[command.type] as CommandRow<Command>;

/** The entries that must be read to plan this command: never more than three, so that a kill costs the same beside any number of others. */
export function entriesFor(command: Command): EntryKey[] {
  const [kind, name] = rowOf(command).entry(command);
  return [...new Set([entryKey('control'), entryKey('mode'), entryKey(kind, name)])];
}

/** Loosening by the system itself, or from nothing: it asks for no reason, or has its own rule. */
const UNGOVERNED: ReadonlySet<Command['type']> = new Set(['init', 'expire']);

/** Who does what nobody asked for. No operator is called so: their names have a prefix. */
const SYSTEM = 'system';

/** What the time does, and what a store needs, is nobody's: not of whoever happens to operate then. */
const BY_ITSELF: ReadonlySet<Command['type']> = new Set(['expire', 'snapshot']);

/** Who did it, as the log has it. */
export const actorOf = (operator: Operator, { type }: Pick<Command, 'type'>): string =>
  BY_ITSELF.has(type) ? SYSTEM : `unverified:${operator.id}`;

/** It is this change's own: neither the store's, nor that of the changes that are planned with it. */
const unplanned = ({ type }: Command, error: unknown): KillSwitchError =>
  new KillSwitchError(
    'INVALID_ARGUMENT',
    `The ${type} could not be planned, and nothing was changed: ${messageOf(error)}`,
    {
      cause: error,
    },
  );

/**
 * What a command comes to: the only maker of events. It reads nothing but the view and changes nothing.
 * @param commandId chosen once for a command, however often it is planned again, so that a retry can find its own event
 */
export function planChange(view: PlanView, command: Command, operator: Operator, commandId: string): Plan {
  try {
    const problem = idProblem(operator.id);
    if (problem) throw invalid(`An operator's id ${problem}.`);
    return { is: 'change', change: planOne(view, command, operator, commandId) };
  } catch (error) {
    return { is: 'refused', error: isKillSwitchError(error) ? error : unplanned(command, error) };
  }
}

function planOne(view: PlanView, command: Command, operator: Operator, commandId: string): PlannedChange {
  const { head } = view;
  if (command.type === 'init' && head) {
    throw new KillSwitchError(
      'ALREADY_INITIALISED',
      `There is a control plane here already, at epoch ${head.epoch}. Nothing was changed.`,
    );
  }
  if (!head && command.type !== 'init' && command.type !== 'recover') {
    throw notInitialised();
  }
  const row = rowOf(command);
  const { reason = null, reasonProblem } = 'reason' in command ? command : ({} as GivenReason);
  const [kind, name] = row.entry(command);
  const before = view.get(kind, name);
  const wish = row.wish(command, view, commandId);
  const lost = command.type === 'recover' ? command.givenUp.map(({ epoch }) => epoch) : [];
  const seq = Math.max(head?.epoch ?? 0, ...lost) + 1;
  if (seq > MAX_EPOCH) {
    throw new KillSwitchError(
      'INVALID_STATE',
      `There is no number left in this log after ${head?.epoch}, so it was not written by this package. Restore a backup, or wipe the store and then: kill-switch recover --reason "…"`,
    );
  }
  const event = sealEvent({
    seq,
    at: view.time,
    actor: actorOf(operator, command),
    type: wish.type,
    data: { ...wish.data, command_id: commandId },
    reason,
    prev: head?.hash ?? GENESIS,
  });
  const { patch, direction } = foldEvent(view, event);
  if (direction === 'loosens' && !UNGOVERNED.has(command.type)) {
    if (reasonProblem !== undefined) throw invalid(reasonProblem);
    if (reason === null) {
      throw new KillSwitchError('REASON_REQUIRED', 'Giving authority back takes a reason: add one (--reason "…").');
    }
    const named = 'epoch' in command ? command.epoch : undefined;
    const changed = before && 'epoch' in before ? before.epoch : 0;
    const now = head?.epoch ?? 0;
    if (named !== undefined && named > now) {
      throw invalid(
        `Epoch ${named} has not been reached here: the log ends at epoch ${now}. It is mistyped, or was read in another switch, or this store has lost changes. Look again (kill-switch status), then decide.`,
      );
    }
    if (named !== undefined && changed > named) {
      throw new KillSwitchError(
        'CONFLICT',
        `${entryKey(kind, name)} was changed at epoch ${changed}, after what you had read (epoch ${named}). Look again (kill-switch status), then decide.`,
      );
    }
  }
  const control = patch.set.find(([key]) => key === 'control')?.[1] as
    | { generation: string; recovered: boolean }
    | undefined;
  const from = control ?? head;
  if (!from) throw new KillSwitchError('INVALID_STATE', 'The planned event does not belong to any log.');
  return {
    event,
    patch,
    direction,
    already: wish.type === 'second',
    ends: kind === 'kill' && patch.remove.includes(entryKey(kind, name)) ? (view.get(kind, name) ?? null) : null,
    head: { generation: from.generation, epoch: event.seq, hash: event.hash, recovered: from.recovered },
  };
}

import type { Subject } from './context.ts';
import type { Entry } from './entries.ts';
import { surelyNoStricter } from './feature-change.ts';
import type { StageTerms } from './feature-stage.ts';
import { type Direction, type EventData, type EventType, FOLDS, isEventType } from './fold.ts';
import { isStricter, type Mode } from './modes.ts';
import type { Head, LogEvent } from './records.ts';
import { AUTONOMY_FLOORS } from './stages.ts';
import { reaches, readTarget, type Target } from './targets.ts';

/** Whom a restriction meets: a target, or the calls that have a limit of this name. */
export type Reach =
  | { readonly is: 'target'; readonly target: Target }
  | { readonly is: 'limit'; readonly name: string };

/** A recorded change that took authority away. It stays one, also when it was lifted again. */
export interface Restricting {
  readonly epoch: number;
  readonly hash: string;
  readonly type: string;
  readonly by: string;
  readonly at: string;
  readonly reach: Reach;
}

/** A call, as far as restrictions may meet it. */
export interface RestrictedCall {
  readonly subject: Subject;
  /** The names of its action's limits. */
  readonly limits: readonly string[];
}

type BaseMode = Pick<Entry<'mode'>, 'mode' | 'targeting'>;

/** What is known of an event beside its data. */
interface About {
  /** Null: the state before the event is not known, so that it counts as tightening where it may be. */
  readonly direction: Direction | null;
  /** The last base mode before it that was no pause; null where that is not known. */
  readonly base: BaseMode | null;
  readonly before: Before;
}

/** What was said before an event. */
export interface Before {
  /** How much the kill of this target leaves; null where that is not known. */
  readonly killMode: (target: string) => Mode | null;
  /** How far this feature had come; undefined for one that was never named, null where that is not known. */
  readonly feature: (name: string) => StageTerms | undefined | null;
}

const target = (text: string): Reach => ({ is: 'target', target: readTarget(text) });
const EVERYONE: Reach = Object.freeze({ is: 'target', target: Object.freeze({ type: 'all', id: '' }) });
const nobody = (): null => null;

const mayTighten = ({ direction }: About, otherwise: boolean): boolean =>
  direction === null ? otherwise : direction === 'tightens';

/**
 * Whom each kind of event restricts; null: nobody. A pause only delays, so it restricts nobody here. To add a kind of
 * event, add its row: one that restricts and says so to nobody would leave approvals good that it should end.
 */
const ROWS: { readonly [T in EventType]: (data: EventData<T>, about: About) => Reach | null } = {
  init: () => EVERYONE,
  recover: () => EVERYONE,
  kill: (data) => (data.mode === 'paused' ? null : target(data.target)),
  second({ kind, name }, { before }) {
    switch (kind) {
      case 'kill':
        return before.killMode(name ?? '') === 'paused' ? null : target(name ?? '');
      case 'feature':
        return target(`feature:${name}`);
      case 'autonomy':
        return target(`action:${name}`);
      case 'limit':
        return { is: 'limit', name: name ?? '' };
      case 'rule': // whom it restricts, this event does not say
      case 'mode':
        return EVERYONE;
      default:
        return null;
    }
  },
  revive: nobody,
  expire: nobody,
  mode({ mode, targeting = null }, { base }) {
    if (targeting === null && (mode === 'paused' || mode === 'live')) return null;
    // A rule gives one caller what it takes from another, and so does its end.
    if (targeting !== null || base === null || base.targeting !== null) return EVERYONE;
    return isStricter(mode, base.mode) ? EVERYONE : null;
  },
  // Its direction does not tell: one that gives to some may take from others, and a requirement takes from nobody.
  feature: ({ name, ...after }, { before }) =>
    surelyNoStricter(name, before.feature(name), after) ? null : target(`feature:${name}`),
  limit: ({ name }, about) => (mayTighten(about, true) ? { is: 'limit', name } : null),
  autonomy: ({ action, stage }) => (AUTONOMY_FLOORS[stage] === 'live' ? null : target(`action:${action}`)),
  stop: (data) => (data.mode === 'paused' ? null : target(data.target)),
  // What they stop comes as a `stop`.
  budget: nobody,
  tripwire: nobody,
  rule_add: (data) => (data.mode === 'paused' ? null : target(data.target)),
  rule_remove: nobody,
  rule_renew: nobody,
  flags: nobody,
  snapshot: nobody,
  archive: nobody,
  resolve: nobody,
  rollback: nobody,
  takeover: nobody,
  approve: nobody,
  reject: nobody,
  standing: nobody,
  standing_withdraw: nobody,
  escalate: nobody,
  lapse: nobody,
  governance: nobody,
  request: nobody,
  withdraw: nobody,
  refused: nobody,
  drill: nobody, // what it stops comes as a `kill`
  drill_schedule: nobody,
  alert: nobody,
  undelivered: nobody,
};

function reachOf<T extends EventType>(type: T, event: LogEvent, about: About): Reach | null {
  const data = FOLDS[type].data.safeParse(event.data);
  if (!data.success) return EVERYONE;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema of this very type has parsed it
  return ROWS[type](data.data as EventData<T>, about);
}

/** What of an event restricts somebody; null where it restricts nobody. */
function restrictingOf(event: LogEvent, about: About): Restricting | null {
  const { seq: epoch, hash, type, actor: by, at } = event;
  const reach = event.unknown === undefined && isEventType(type) ? reachOf(type, event, about) : EVERYONE;
  return reach && { epoch, hash, type, by, at, reach };
}

/** Whether a restriction meets this call. */
export const meets = ({ reach }: Restricting, { subject, limits }: RestrictedCall): boolean =>
  reach.is === 'target' ? reaches(reach.target, subject) : limits.includes(reach.name);

/** How many restrictions are remembered. */
const REMEMBERED = 10_000;
/** How many of the oldest are forgotten together. */
const FORGOTTEN = 1000;

type ChainPlace = Pick<Head, 'epoch' | 'hash'>;

/**
 * The restrictions of a log from one place on, also those that were lifted again: the state does not show them any
 * more. Where a state was loaded, what came before it is not known, until the events that led there are read too.
 */
export class RestrictionMemory {
  #floor: ChainPlace = { epoch: 0, hash: '' };
  #known: Restricting[] = [];
  #base: BaseMode | null = null;

  /** After which event every restriction is known. */
  get floor(): ChainPlace {
    return this.#floor;
  }

  /** Begins anew, behind this place. @param base the base mode there, where it is known */
  begin({ epoch, hash }: ChainPlace, base: BaseMode | null = null): void {
    this.#floor = { epoch, hash };
    this.#known = [];
    this.#base = base && afterMode(null, base);
  }

  /** The log goes on with this event. */
  note(event: LogEvent, direction: Direction, before: Before): void {
    const restricting = restrictingOf(event, { direction, before, base: this.#base });
    this.#base = baseAfter(this.#base, event);
    if (!restricting) return;
    this.#known.push(restricting);
    if (this.#known.length <= REMEMBERED) return;
    const last = this.#known.splice(0, FORGOTTEN).at(-1);
    if (last) this.#floor = { epoch: last.epoch, hash: last.hash };
  }

  /** The restrictions after an epoch, oldest first; null where not all of them are known. */
  since(epoch: number): readonly Restricting[] | null {
    if (epoch < this.#floor.epoch) return null;
    let from = this.#known.length;
    while (from > 0 && (this.#known[from - 1]?.epoch ?? 0) > epoch) from -= 1;
    return this.#known.slice(from);
  }

  /**
   * Takes the events that lead to where this memory begins, oldest first. False where they do not lead there: then
   * nothing has changed.
   */
  extend(events: readonly LogEvent[]): boolean {
    const [first] = events;
    const last = events.at(-1);
    if (!first || !last || last.seq !== this.#floor.epoch || last.hash !== this.#floor.hash) return false;
    const kills = new Map<string, Mode>();
    const features = new Map<string, StageTerms>();
    const before: Before = {
      killMode: (text) => kills.get(text) ?? null,
      feature: (name) => features.get(name) ?? null,
    };
    const found: Restricting[] = [];
    let base: BaseMode | null = null;
    let prev = first.prev;
    for (const event of events) {
      if (event.prev !== prev) return false;
      prev = event.hash;
      const { target: killed, mode } = event.data;
      if ((event.type === 'kill' || event.type === 'stop') && typeof killed === 'string')
        kills.set(killed, mode === 'paused' && (kills.get(killed) ?? mode) === 'paused' ? 'paused' : 'full_stop');
      if ((event.type === 'revive' || event.type === 'expire') && typeof killed === 'string') kills.delete(killed);
      const restricting = restrictingOf(event, { direction: null, before, base });
      base = baseAfter(base, event);
      if (event.type === 'feature') {
        const said = event.unknown === undefined ? FOLDS.feature.data.safeParse(event.data).data : undefined;
        if (said) features.set(said.name, said);
        else features.clear(); // which one it changed, nobody here knows
      }
      if (restricting) found.push(restricting);
    }
    this.#known = [...found, ...this.#known];
    this.#floor = { epoch: first.seq - 1, hash: first.prev };
    return true;
  }
}

/** The last base mode that was no pause, after this one. A pause is lifted to what stood before it. */
const afterMode = (before: BaseMode | null, { mode, targeting }: BaseMode): BaseMode | null =>
  mode === 'paused' && targeting === null ? before : { mode, targeting };

function baseAfter(before: BaseMode | null, { type, data }: LogEvent): BaseMode | null {
  const read = type === 'mode' ? FOLDS.mode.data.safeParse(data) : null;
  if (!read) return before;
  return read.success ? afterMode(before, { mode: read.data.mode, targeting: read.data.targeting ?? null }) : null;
}

/** The first of these restrictions that meets one of the calls; null where none does. */
export const firstToMeet = (restrictions: readonly Restricting[], ...calls: RestrictedCall[]): Restricting | null =>
  restrictions.find((each) => calls.some((call) => meets(each, call))) ?? null;

import {
  type EntryKind,
  type EntryPlace,
  type EventType,
  type Head,
  idProblem,
  messageOf,
  type Mode,
  type StateView,
  type Target,
} from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import type { Refusal } from '../refusals.ts';

/**
 * `epoch`: the epoch that the operator had read when deciding. Refused where the entry was restricted, tightened or
 * seconded since.
 */
export interface Loosening extends GivenReason {
  readonly epoch?: number | undefined;
  /** True: alone, in an emergency, past what governance asks for beside a reason and a role. */
  readonly breakGlass?: boolean | undefined;
  /** The request of another person that this grants. */
  readonly grants?: string | undefined;
}

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

/** What a command reads and changes, and the event that it makes. `C`: its members, beside its type. */
export interface CommandRow<C> {
  /** The one entry that it changes, whose epoch shows whether the command comes too late. */
  readonly changes: (command: C) => EntryPlace;
  /**
   * What else it reads; default: the `control` entry, and with it whether this version understands the whole state, and
   * what governance asks for. A kill reads nothing else, so that nothing that a newer version has written can keep
   * somebody from stopping.
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
  /**
   * How much authority is left of what it changes, where that is a mode; a rule that answers by context counts as
   * `live`.
   */
  readonly leaves?: (command: C, view: PlanView, data: EventContent['data']) => Mode;
  /** True for commands for which governance asks nothing: they restore nothing, or follow rules of their own. */
  readonly isUngoverned?: true;
  /** True where a reason is needed also where it gives no authority back. */
  readonly needsReasonAlways?: true;
  /** What a reason is asked for, to begin a sentence; default: giving authority back. */
  readonly takesReason?: (command: C) => string;
  /** True for commands that give authority back without a reason: `init`, and a kill's end by time. */
  readonly needsNoReason?: true;
}

export const event = (type: EventType, data: Record<string, unknown>): Wish => ({ is: 'event', type, data });
export const refused = (refusal: Refusal): Wish => ({ is: 'refused', refusal });
export const ALREADY: Wish = Object.freeze({ is: 'already' });

/** Null for a valid name. */
export function nameRefused(of: string, name: string, problemOf = idProblem): Wish | null {
  const problem = problemOf(name);
  return problem === null ? null : refused({ kind: 'not_a_name', name, of, problem });
}

/** Null for a valid target. */
export function targetRefused(target: string, read: (target: string) => unknown): Wish | null {
  try {
    read(target);
    return null;
  } catch (error) {
    return refused({ kind: 'not_a_target', problem: messageOf(error) });
  }
}

/** When so many milliseconds are over, by the store's clock, which may differ from the operator's; undefined: never. */
export function endAfter(lastsMs: number, now: string): string | undefined {
  const end = new Date(Date.parse(now) + lastsMs);
  return lastsMs > 0 && !Number.isNaN(end.getTime()) && end.getUTCFullYear() <= 9999 ? end.toISOString() : undefined;
}

/** What the base mode leaves to whoever it leaves most. */
export function baseMode(view: PlanView): Mode {
  const base = view.get('mode');
  return base && base.targeting === null ? base.mode : 'live';
}

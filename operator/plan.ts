import type { ActiveKill, Change } from '../flags/index.ts';
import type { Command } from './commands/index.ts';
import type { EventContent, PlanView } from './commands/row.ts';
import type { Actor } from './operators.ts';
import type { PendingRequest, Refusal } from './refusals.ts';

/** A planned change: one event, to be appended right behind the head that it was planned on. */
export interface PlannedChange extends Change {
  /** True when the state was so already, and only a seconding is recorded. */
  readonly already: boolean;
  /** The kill that it ends, as it was before. */
  readonly ends: ActiveKill | null;
}

/**
 * Why a change is not made. `record`: the request that is recorded in its place; null where it is in the log already.
 * That event must not give authority back itself.
 */
export type Objection =
  | { readonly is: 'pending'; readonly request: PendingRequest; readonly record: EventContent | null }
  | { readonly is: 'refused'; readonly refusal: Refusal };

export const refused = (refusal: Refusal): Objection => ({ is: 'refused', refusal });

/** The plan of a command: its change; what is recorded instead; or nothing. */
export type Plan =
  | { readonly is: 'change'; readonly change: PlannedChange }
  | { readonly is: 'instead'; readonly change: PlannedChange; readonly objection: Objection }
  | { readonly is: 'nothing'; readonly objection: Objection };

/**
 * A command, who gives it, and an id that it keeps however often it is planned again, so that a retry finds its own
 * event.
 */
export interface GivenCommand {
  readonly command: Command;
  readonly actor: Actor;
  readonly commandId: string;
}

/** A change that a check judges, with the view that it was planned on. */
export interface Proposed extends GivenCommand {
  readonly view: PlanView;
  readonly change: PlannedChange;
}

/** Judges a change; null for no objection. */
export type Check = (proposed: Proposed) => Objection | null;

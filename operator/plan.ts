import type { ActiveKill, Change } from '../flags/index.ts';
import type { Command, PlanView } from './commands.ts';
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
 * Why a change is not made. `change`: what is recorded instead, for instance the request or the refused attempt; null:
 * nothing.
 */
export type Objection =
  | { readonly is: 'pending'; readonly request: PendingRequest; readonly change: PlannedChange | null }
  | { readonly is: 'refused'; readonly refusal: Refusal; readonly change: PlannedChange | null };

/** The plan of a command. */
export type Plan = { readonly is: 'change'; readonly change: PlannedChange } | Objection;

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

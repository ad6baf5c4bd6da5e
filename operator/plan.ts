import type { ActiveKill, Change } from '../flags/index.ts';
import type { Command, PlanView } from './commands.ts';
import type { Actor } from './operators.ts';
import type { PendingRequest, Refusal } from './refusals.ts';

/** A change as it was planned: one event, to be appended exactly where it was planned. */
export interface PlannedChange extends Change {
  /** True when nothing but a seconding is recorded, because it was so already. */
  readonly already: boolean;
  /** The kill that it ends, as it was. */
  readonly ends: ActiveKill | null;
}

/**
 * The change is not made. `change`: what is recorded instead, for instance the request, or the refused attempt; null:
 * nothing.
 */
export type Objection =
  | { readonly is: 'pending'; readonly request: PendingRequest; readonly change: PlannedChange | null }
  | { readonly is: 'refused'; readonly refusal: Refusal; readonly change: PlannedChange | null };

/** What a command comes to. */
export type Plan = { readonly is: 'change'; readonly change: PlannedChange } | Objection;

/**
 * A command, who gives it, and the name it keeps however often it is planned again, so that a retry finds its own
 * event.
 */
export interface GivenCommand {
  readonly command: Command;
  readonly actor: Actor;
  readonly commandId: string;
}

/** A change that could be made, and what is known when it is judged whether it may be. */
export interface Proposed extends GivenCommand {
  readonly view: PlanView;
  readonly change: PlannedChange;
}

/** Judges one thing; null where it has no objection. */
export type Check = (proposed: Proposed) => Objection | null;

import type { EventType } from '../flags/index.ts';
import type { ReportedIntervention } from '../store/reports.ts';
import type { ExecutorState } from './acknowledge.ts';
import type { ApprovalStatus } from './approval-records.ts';

/** A list, or a part of it. `count`: how many there are that match, also where `data` has only some of them. */
export interface ListAnswer<Row> {
  readonly data: readonly Row[];
  readonly count: number;
}

/**
 * A part of a list: `skip` items are left out at the start (default 0), then at most `limit` are returned (default:
 * all). Whole numbers.
 */
export interface Page {
  readonly skip?: number | undefined;
  readonly limit?: number | undefined;
}

/** Such a part of a list. */
export const partOf = <Row>(
  all: readonly Row[],
  { skip = 0, limit = Number.POSITIVE_INFINITY }: Page,
): ListAnswer<Row> => ({ data: all.slice(skip, skip + limit), count: all.length });

/** Which kills are listed: those that match each filter that is given. */
export interface KillsOptions extends Page {
  /** The kill of exactly this target. */
  readonly target?: string | undefined;
  /** The kill of this agent. */
  readonly agent?: string | undefined;
  /** Kills of this action, of a pattern that matches it, or of what this pattern matches. */
  readonly action?: string | undefined;
  /** Who made it: `unverified:dana`, or only `dana`. */
  readonly actor?: string | undefined;
  /** From this time on (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which rules are listed: those that match each filter that is given. */
export interface RulesOptions extends Page {
  /** Those of exactly this target. */
  readonly target?: string | undefined;
  /** Those of this agent. */
  readonly agent?: string | undefined;
  /** Those of this action, of a pattern that matches it, or of what this pattern matches. */
  readonly action?: string | undefined;
  /** Who added it: `unverified:dana`, or only `dana`. */
  readonly actor?: string | undefined;
  /** From this time on (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which executors are listed: those that match each filter that is given. */
export interface ExecutorsOptions extends Page {
  /** Those that have work of this agent open, as far as they report it. */
  readonly agent?: string | undefined;
  readonly state?: ExecutorState | undefined;
  /** Those that have reported since this time (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which agents are listed: those that match each filter that is given. */
export interface AgentsOptions extends Page {
  /** Those that a kill of this target would reach in something that they do, or did in the last day. */
  readonly target?: string | undefined;
  readonly agent?: string | undefined;
  /** Those that have called this action, or one that this pattern matches. */
  readonly action?: string | undefined;
  /** Those that were heard of since this time (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which actions are listed: those that match each filter that is given. */
export interface SurfacesOptions extends Page {
  /** What a kill of this target would reach whoever performs it: `all`, an action, a feature or a surface. */
  readonly target?: string | undefined;
  /** This action, or those that this pattern matches. */
  readonly action?: string | undefined;
  /** Those that were used since this time (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which interventions are listed: those that match each filter that is given. */
export interface InterventionsOptions extends Page {
  /** What this target stood for (its agent, its run, its action), or what a kill of it or its feature caused. */
  readonly target?: string | undefined;
  readonly agent?: string | undefined;
  /** This action, or those that this pattern matches. */
  readonly action?: string | undefined;
  /** From this time on (RFC 3339), by the clock of the executor that recorded it. */
  readonly since?: string | Date | undefined;
  /** True: only proposals. A store keeps them apart, so that refusals do not push them out. */
  readonly proposals?: boolean | undefined;
}

export interface InterventionsAnswer extends ListAnswer<ReportedIntervention> {
  /** How many records could not be read. */
  readonly unreadable: number;
}

/** `since`: those that the store has since then come first; without it only new ones come. */
export interface FollowInterventionsOptions extends Omit<InterventionsOptions, keyof Page> {
  /** Ends the following. Without one it ends when the caller stops iterating. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when the store stops answering, with the problem; and with an empty text when it answers again. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
}

/** `after`: the `seq` after which the log is read; default 0: from the start. Every filter that is given must match. */
export interface LogOptions {
  readonly after?: number | undefined;
  /**
   * Changes of exactly this target: its kills, rules, stops, stages, budgets and rollbacks, and decisions on what it
   * asked; `all`: also the base mode.
   */
  readonly target?: string | undefined;
  /** Changes of this agent, and decisions on what it asked. */
  readonly agent?: string | undefined;
  /** Only events of this type: `kill`, `revive`, `mode`, … */
  readonly type?: EventType | undefined;
  /** Changes of this action, of a pattern that matches it, or of what this pattern matches. */
  readonly action?: string | undefined;
  /** Who made it: `unverified:dana`, or only `dana`. */
  readonly actor?: string | undefined;
  /** From this time on (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which requests for approvals are listed: those that match each filter that is given. */
export interface ApprovalsOptions extends Page {
  readonly status?: ApprovalStatus | undefined;
  /** Those that a restriction of this target would have stopped. */
  readonly target?: string | undefined;
  readonly agent?: string | undefined;
  /** This action, or those that this pattern matches. */
  readonly action?: string | undefined;
  /** Those that this operator has decided last. */
  readonly actor?: string | undefined;
  /** Those that were asked from this time on (RFC 3339). */
  readonly since?: string | Date | undefined;
}

/** Which standing approvals are listed: those that match each filter that is given. */
export interface StandingApprovalsOptions extends Page {
  readonly agent?: string | undefined;
  readonly action?: string | undefined;
  /** Those that this operator has allowed. */
  readonly actor?: string | undefined;
  readonly since?: string | Date | undefined;
}

/** As `FollowOptions`, with the filters of `ApprovalsOptions`. */
export interface FollowApprovalsOptions extends Omit<ApprovalsOptions, keyof Page> {
  /** Ends the following. Without one it ends when the caller stops iterating. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when the store stops answering, with the problem; and with an empty text when it answers again. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
}

export interface FollowOptions extends LogOptions {
  /** Ends the following. Without one it ends when the caller stops iterating. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when the store stops answering, with the problem; and with an empty text when it answers again. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
}

import type { Effect, Subject } from '../flags/index.ts';
import type { Identity } from './identity.ts';

/** A subject whose effect is known: what every decision of the guard is about. */
export interface GuardedSubject extends Subject {
  readonly effect: Effect;
}

/** The members of an action that a decision depends on. */
export interface ActionTerms {
  readonly name: string | undefined;
  readonly effect: Effect;
  readonly surface: string | undefined;
  readonly feature?: string | undefined;
}

const orNone = (lineage: readonly string[] | undefined): readonly string[] | undefined =>
  lineage && lineage.length > 0 ? lineage : undefined;

/** The subject of a decision, from the action's terms and the identity that acts. */
export const subjectOf = (
  action: ActionTerms,
  organizationId: string,
  identity: Identity | undefined,
): GuardedSubject => ({
  organizationId,
  agentId: identity?.agentId,
  missionId: identity?.missionId,
  runId: identity?.runId,
  lineageAgents: orNone(identity?.lineageAgents),
  lineageMissions: orNone(identity?.lineageMissions),
  lineageRuns: orNone(identity?.lineageRuns),
  action: action.name,
  effect: action.effect,
  surface: action.surface,
  feature: action.feature,
  context: identity?.context,
  reversing: identity?.reversing,
});

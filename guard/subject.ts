import type { Effect, Subject } from '../flags/index.ts';
import type { Identity } from './identity.ts';

/** Who asks the guard to do what; the effect is always known. */
export interface GuardedSubject extends Subject {
  readonly effect: Effect;
}

/** What an action is, as far as a decision goes. */
export interface ActionTerms {
  readonly name: string | undefined;
  readonly effect: Effect;
  readonly surface: string | undefined;
  readonly feature?: string | undefined;
}

const orNone = (lineage: readonly string[] | undefined): readonly string[] | undefined =>
  lineage && lineage.length > 0 ? lineage : undefined;

/** The subject of a decision: the action's own terms, and whoever works now. */
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
});

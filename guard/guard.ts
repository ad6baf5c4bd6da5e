import { type Decision, deepFreeze, type Effect, faultReading, type Reading } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import type { Changes } from './changes.ts';
import { type DecidedCall, decide } from './decide.ts';
import type { ModeSource } from './evaluate.ts';
import type { Identity } from './identity.ts';
import type { InFlight } from './in-flight.ts';
import type { Interventions } from './interventions.ts';
import type { GuardMetrics } from './metrics.ts';
import type { Turns } from './turn.ts';

/** What every call is performed with. `replica` is null where the mode comes from a provider alone. */
export interface Guard extends ModeSource {
  readonly replica: Replica | null;
  readonly organizationId: string;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  readonly interventions: Interventions;
  readonly metrics: GuardMetrics;
  /** Who acts now; nobody outside runs where `requireRun` is set. */
  readonly identity: () => Identity | undefined;
  /** Calls a function as somebody, whoever acts now. */
  readonly within: <Result>(identity: Identity | undefined, work: () => Result) => Result;
  /** Whose child a run that opens now is. */
  readonly parent: () => Identity | undefined;
  readonly requireRun: boolean;
  readonly isClosed: () => boolean;
  readonly turns: Turns;
  readonly leaseMs: number;
  readonly handlerTimeoutMs: number;
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

/** The call that a decision is about: the action's own terms, and whoever works now. */
export const callOf = (guard: Guard, action: ActionTerms, identity: Identity | undefined): DecidedCall => ({
  organizationId: guard.organizationId,
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

/** Nothing has been asked yet: by itself this allows nothing, every action is decided on its own. */
const NOT_ASKED: Reading = deepFreeze({ mode: 'live', cause: { kind: 'mode' }, epoch: 0 });

/** What is known here of a call that has not been evaluated: where there is a store the local copy says it at once. */
export const unasked = ({ replica }: Guard, call: DecidedCall): Reading => replica?.reading(call) ?? NOT_ASKED;

/** A switch that is being closed says so from that turn on, whatever its store or its client still says. */
export const CLOSED = deepFreeze(faultReading('CLOSED', 'this switch has been closed'));

/** What is decided from what was evaluated and, where there is a store, from the local copy as it is in this very turn. */
export const look = (guard: Guard, call: DecidedCall, evaluated: Reading): Decision => {
  if (guard.isClosed()) return decide(call, evaluated, CLOSED);
  return decide(call, evaluated, guard.replica?.reading(call));
};

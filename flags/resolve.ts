import { type Call, callFromContext, contextFromCall } from './context.ts';
import { type Cause, MODE_CAUSE } from './causes.ts';
import { isStricter, type Mode, SAFE_MODE } from './modes.ts';
import { quoteId } from './printable.ts';
import type { ActiveKill } from './records.ts';
import { AUTONOMY_FLOORS, FEATURE_FLOORS } from './stages.ts';
import type { State } from './state.ts';
import { evaluateTargeting } from './targeting.ts';
import { actionPatterns } from './targets.ts';

/** How much authority one source leaves, and why. */
export interface Restriction {
  readonly mode: Mode;
  readonly cause: Cause;
}

/** Of two that are equally strict the first. */
const stricter = (kill: ActiveKill | undefined, other: ActiveKill | undefined): ActiveKill | undefined =>
  other && (!kill || isStricter(other.mode, kill.mode)) ? other : kill;

function strictestOf(
  kill: ActiveKill | undefined,
  kills: ReadonlyMap<string, ActiveKill>,
  ids: readonly string[] | undefined,
): ActiveKill | undefined {
  let strictest = kill;
  if (ids) for (const id of ids) strictest = stricter(strictest, kills.get(id));
  return strictest;
}

/**
 * The strictest restriction for one call: base mode (with its targeting), kills by exact key, action patterns, feature, surface,
 * lineage and autonomy. The cost does not grow with the number of kills. Of two that are equally strict the first found is the cause: a kill before all others.
 *
 * @param context what the base mode's targeting sees; the call's own attributes when it is left out
 */
export function resolveMode(state: State, call: Call, context?: Readonly<Record<string, unknown>>): Restriction {
  const { kills } = state;
  let kill = kills.all.get('');
  const named = state.mayBeNamed(call);
  if (named) {
    if (call.agentId !== undefined) kill = stricter(kill, kills.agent.get(call.agentId));
    if (call.missionId !== undefined) kill = stricter(kill, kills.mission.get(call.missionId));
    if (call.runId !== undefined) kill = stricter(kill, kills.run.get(call.runId));
  }
  if (call.surface !== undefined) kill = stricter(kill, kills.surface.get(call.surface));
  if (call.feature !== undefined) kill = stricter(kill, kills.feature.get(call.feature));
  if (named) {
    kill = strictestOf(kill, kills.agent, call.lineageAgents);
    kill = strictestOf(kill, kills.mission, call.lineageMissions);
    kill = strictestOf(kill, kills.run, call.lineageRuns);
  }
  if (call.action !== undefined && kills.action.size > 0) {
    kill = stricter(kill, kills.action.get(call.action));
    kill = strictestOf(kill, kills.action, actionPatterns(call.action));
  }

  let mode: Mode = kill ? kill.mode : 'live';
  let feature: string | undefined;
  let autonomy: string | undefined;
  if (call.feature !== undefined) {
    const floor = FEATURE_FLOORS[state.features.get(call.feature)?.stage ?? 'dark'];
    if (isStricter(floor, mode)) [mode, feature, kill] = [floor, call.feature, undefined];
  }
  if (call.action !== undefined) {
    const stage = state.autonomy.get(call.action)?.stage;
    if (stage && isStricter(AUTONOMY_FLOORS[stage], mode)) {
      [mode, autonomy, feature, kill] = [AUTONOMY_FLOORS[stage], call.action, undefined, undefined];
    }
  }
  const { mode: base, targeting } = state.mode;
  const baseMode = targeting === null ? base : evaluateTargeting(state.mode, context ?? contextFromCall(call));
  if (isStricter(baseMode, mode)) return { mode: baseMode, cause: MODE_CAUSE };

  if (kill) {
    return {
      mode,
      cause: { kind: 'kill', killId: kill.id, target: kill.target, killedBy: kill.killed_by, reason: kill.reason },
    };
  }
  if (feature !== undefined) {
    return { mode, cause: { kind: 'feature', feature, stage: state.features.get(feature)?.stage ?? 'dark' } };
  }
  if (autonomy !== undefined) {
    const stage = state.autonomy.get(autonomy)?.stage ?? 'human_in_the_loop';
    return { mode, cause: { kind: 'autonomy', action: autonomy, stage } };
  }
  return { mode, cause: MODE_CAUSE };
}

/** `full_stop`, because it cannot be told who asks. */
const unidentified = (message: string): Restriction => ({
  mode: SAFE_MODE,
  cause: { kind: 'identity', message },
});

/**
 * The strictest restriction for an evaluation context: `full_stop` when it cannot be told who asks, or when the context names
 * another organization than `organizationId`, else as {@link resolveMode}.
 */
export function restrictionFor(
  state: State,
  context: Readonly<Record<string, unknown>>,
  organizationId?: string,
): Restriction {
  const call = callFromContext(context);
  if (typeof call === 'string') return unidentified(call);
  if (organizationId !== undefined && call.organizationId !== undefined && call.organizationId !== organizationId) {
    return unidentified(`organization_id ${quoteId(call.organizationId)} is not the one of this switch`);
  }
  return resolveMode(state, call, context);
}

import type { Cause } from './causes.ts';
import type { Subject } from './context.ts';
import type { ActiveKill } from './records.ts';
import type { State } from './state.ts';
import { actionPatterns, type TargetType } from './targets.ts';

/** Why a kill restricts: by whom it was made, or what a budget or a tripwire had counted. */
export const causeOfKill = ({ id: killId, target, killed_by: killedBy, reason, cause }: ActiveKill): Cause =>
  cause ? { ...cause, target } : { kind: 'kill', killId, target, killedBy, reason };

/** Every kill that reaches a subject, in the order in which decisions look them up. */
export function killsOf({ kills }: Pick<State, 'kills'>, subject: Subject): ActiveKill[] {
  const { action, lineageAgents = [], lineageMissions = [], lineageRuns = [] } = subject;
  const places: readonly (readonly [TargetType, readonly (string | undefined)[]])[] = [
    ['all', ['']],
    ['agent', [subject.agentId]],
    ['mission', [subject.missionId]],
    ['run', [subject.runId]],
    ['surface', [subject.surface]],
    ['feature', [subject.feature]],
    ['agent', lineageAgents],
    ['mission', lineageMissions],
    ['run', lineageRuns],
    ['action', action === undefined ? [] : [action, ...actionPatterns(action)]],
  ];
  const found = places.flatMap(([type, ids]) => ids.map((id) => (id === undefined ? undefined : kills[type].get(id))));
  return [...new Set(found)].filter((kill) => kill !== undefined);
}

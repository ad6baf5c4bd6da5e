import { deepFreeze, type Direction, type Role, ROLES } from '../flags/index.ts';
import type { Command, CommandType } from './commands/index.ts';
import { type Actor, personKey } from './operators.ts';
import type { Refusal } from './refusals.ts';

/** What a change takes of whoever makes it. */
export type Right = 'kill' | 'stop' | 'approve' | 'restore' | 'govern' | 'operate' | 'nothing';

/** Which roles have a right. `own`: those that have it for what they themselves are, and for nothing else. */
interface RightRow {
  /** To end a sentence that begins with "whoever may". */
  readonly says: string;
  readonly roles: readonly Role[];
  readonly own: readonly Role[];
}

/** Nobody who may give authority back is kept from taking it away. */
const STOPS: readonly Role[] = ['operator', 'approver', 'restorer', 'admin'];

/** One row a right. A role that is new gets its place in these rows, and nowhere else. */
export const RIGHTS: Readonly<Record<Right, RightRow>> = deepFreeze({
  kill: { says: 'stop a target', roles: STOPS, own: ['executor'] },
  stop: { says: 'take authority away', roles: STOPS, own: [] },
  approve: { says: 'approve what agents ask for', roles: ['approver', 'admin'], own: [] },
  restore: { says: 'give authority back', roles: ['restorer', 'admin'], own: [] },
  govern: { says: 'say who may do what', roles: ['admin'], own: [] },
  /** What only the system does, by its clock or for its store. */
  operate: { says: 'keep the switch', roles: [], own: [] },
  /** What is only noted of somebody. */
  nothing: { says: 'do anything', roles: ROLES, own: [] },
});

/** What a command takes, by what it does to authority. */
interface TakesRow {
  /** What it does, in the words of the command. */
  readonly verb: string;
  /** Where it takes authority away, or changes none. */
  readonly tightens: Right;
  /** Where it gives authority back. */
  readonly loosens: Right;
}

const setting = (verb: string): TakesRow => ({ verb, tightens: 'stop', loosens: 'restore' });
const always = (right: Right, verb: string): TakesRow => ({ verb, tightens: right, loosens: right });
const SYSTEMS = always('operate', '');
const DRILLS = always('stop', 'drill, drill schedule');

/** Which right each command takes. One row a command: `planChange` reads it, and docs/roles.md is made of it. */
export const TAKES: { readonly [T in CommandType]: TakesRow } = deepFreeze({
  kill: always('kill', 'kill, pause, restrict'),
  revive: always('restore', 'revive'),
  mode: setting('mode'),
  feature: setting('feature'),
  requirement: setting('feature --require-…'),
  limit: setting('limit'),
  autonomy: setting('autonomy'),
  budget: setting('budget, budget remove'),
  tripwire: setting('tripwire set, tripwire remove'),
  rule_add: setting('rule add'),
  rule_remove: setting('rule remove'),
  flags: always('restore', 'flagd import'),
  approve: always('approve', 'approve'),
  reject: always('stop', 'reject'),
  standing: always('approve', 'approval allow'),
  standing_withdraw: always('stop', 'approval withdraw'),
  rollback: always('restore', 'rollback'),
  takeover: always('restore', 'rollback'),
  resolve: always('restore', 'runs resolve'),
  withdraw: always('stop', 'requests withdraw'),
  governance: always('govern', 'governance set'),
  ...{ drill: DRILLS, drill_step: DRILLS, drill_end: DRILLS, drill_press: DRILLS, drill_lift: DRILLS },
  ...{ drill_rollback: DRILLS, drill_schedule: DRILLS },
  alert: always('govern', 'alert add, alert test'),
  alert_remove: always('govern', 'alert remove'),
  init: always('govern', 'init'),
  recover: always('govern', 'recover'),
  archive: always('govern', 'log archive'),
  attempt: always('nothing', ''),
  ...{ expire: SYSTEMS, stop: SYSTEMS, snapshot: SYSTEMS },
  ...{ rule_renew: SYSTEMS, escalate: SYSTEMS, lapse: SYSTEMS, undelivered: SYSTEMS },
});

/** The right that a command takes, where it does this to authority. */
export const rightFor = ({ type }: Pick<Command, 'type'>, direction: Direction): Right =>
  TAKES[type][direction === 'loosens' ? 'loosens' : 'tightens'];

/** Whoever writes a store and names no roles may do everything: nothing there could keep them from it. */
const UNNAMED: readonly Role[] = Object.freeze(['admin']);

/** The roles of an actor; null for the system, which has none and needs none. */
export function rolesOf(actor: Actor): readonly Role[] | null {
  switch (actor.is) {
    case 'system':
    case 'stop':
      return null;
    case 'unverified':
      return actor.roles ?? UNNAMED;
    case 'verified':
      return actor.roles;
    default:
      return actor satisfies never;
  }
}

/** True where somebody has this right. */
export function hasRight(actor: Actor, right: Right): boolean {
  const roles = rolesOf(actor);
  return roles === null || roles.some((role) => RIGHTS[right].roles.includes(role));
}

/** Why somebody may not do what takes this right. */
export const withoutRight = (actor: Actor, right: Right, verb: string): Refusal => {
  const { says, roles: needed } = RIGHTS[right];
  return { kind: 'role_required', verb, says, needed, has: rolesOf(actor) ?? [] };
};

/** True where somebody may make this change. */
export function mayMake(actor: Actor, command: Command, direction: Direction): boolean {
  const right = rightFor(command, direction);
  if (hasRight(actor, right)) return true;
  return (rolesOf(actor) ?? []).some((role) => RIGHTS[right].own.includes(role)) && isItself(actor, command);
}

/** True for a kill of an agent that this credential acts for. */
function isItself(actor: Actor, command: Command): boolean {
  if (command.type !== 'kill' || !('id' in actor)) return false;
  return (actor.agents ?? [actor.id]).some((agent) => command.target === `agent:${agent}`);
}

/**
 * The person behind an actor, as names show it; null where no person is. `unverified:dana` and `token:dana` are one.
 */
export function personOf(actorName: string): string | null {
  const kind = actorName.slice(0, Math.max(0, actorName.indexOf(':')));
  return kind === '' || NO_PEOPLE.has(kind) ? null : personKey(actorName);
}

/** What stands before the names of actors that are no people. */
const NO_PEOPLE: ReadonlySet<string> = new Set(['budget', 'tripwire', 'executor', 'agent', 'rule']);

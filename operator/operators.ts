import { idProblem, invalid, isRole, oddity, quoteId, type Role, ROLES, type Stop, stopActor } from '../flags/index.ts';
import { checkKeys } from '../flags/options.ts';
import { UNSEEN } from '../flags/unseen.ts';

/** Who changes the switch. */
export type Operator =
  /** Named by the caller: a program that can write the store could give any name. */
  | ({ readonly is: 'unverified'; readonly roles: readonly Role[] | undefined } & Named)
  /** Proven by `source`, for instance `token`: a word without a colon that no other kind of actor begins with. */
  | ({ readonly is: 'verified'; readonly roles: readonly Role[]; readonly source: string } & Named);

interface Named {
  readonly id: string;
  /** The agents that a credential of executors acts for; absent: the one of its own name. */
  readonly agents?: readonly string[] | undefined;
}

/** Who makes a change: an operator; or the system itself, for changes that a clock or a store asks for. */
export type Actor =
  | Operator
  | { readonly is: 'system' }
  /** What an executor has stopped by: a budget or a tripwire, or the executor itself. */
  | ({ readonly is: 'stop' } & Pick<Stop, 'by' | 'name'>);

export const SYSTEM: Actor = Object.freeze({ is: 'system' });

/**
 * The actor's name in the log. Only the system has a name without a colon: before it stands how an operator is known.
 */
export function actorName(actor: Actor): string {
  switch (actor.is) {
    case 'system':
      return 'system';
    case 'stop':
      return stopActor(actor);
    case 'unverified':
      return `unverified:${actor.id}`;
    case 'verified':
      return `${actor.source}:${actor.id}`;
    default:
      return actor satisfies never;
  }
}

/** The operator that a program works for. */
export interface GivenOperator {
  /** 1 to 512 characters. */
  readonly id: string;
  /**
   * What this operator may do (docs/roles.md); default: everything, as `admin`. It is the program's own word: whoever
   * can write the store could give any. Not recorded.
   */
  readonly roles?: readonly Role[] | undefined;
  /** With the role `executor`: the agents that it may stop; default: the one of its own name. */
  readonly agents?: readonly string[] | undefined;
}

/** What stands before a name in the log, or in a list of who has asked: it says what kind of name follows. */
const PREFIX = /^(?:unverified|token|oidc|mtls|http|session|agent|executor|budget|tripwire|rule|system):/i;

const prefixProblem = (id: string): string | null =>
  /^system$/i.test(id)
    ? 'is the name of the switch itself'
    : PREFIX.test(id)
      ? 'begins as the log says who somebody is'
      : null;

/**
 * What two names have in common that are one person's, as far as names show that. It does not depend on case, on
 * characters that nobody sees, on how a character is composed, or on what the log puts before a name.
 */
export function personKey(name: string): string {
  const key = name.normalize('NFKC').replace(UNSEEN, '').toUpperCase().toLowerCase().normalize('NFKC').trim();
  return PREFIX.test(key) ? personKey(key.slice(key.indexOf(':') + 1)) : key;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenOperator(operator: GivenOperator): Operator {
  if (typeof operator !== 'object' || operator === null)
    throw invalid(`operator must name who changes the switch, such as { id: 'dana' }, not ${quoteId(operator)}.`);
  const { id, roles, agents } = checkKeys('operator', operator, { id: ['name'], roles: ['role'], agents: ['agent'] });
  if (roles !== undefined && !(Array.isArray(roles) && roles.length > 0 && roles.every(isRole)))
    throw invalid(`operator.roles must be a list of ${ROLES.join(', ')}, not ${quoteId(roles)}.`);
  if (agents !== undefined && !(Array.isArray(agents) && agents.every((agent) => idProblem(agent) === null)))
    throw invalid(`operator.agents must be a list of ids of agents, not ${quoteId(agents)}.`);
  const problem = idProblem(id);
  if (problem) throw invalid(`operator.id ${problem}.`);
  // Two people could otherwise be one, or one two, where each has to be another.
  const taken = oddity(id) ?? prefixProblem(id);
  if (taken !== null) throw invalid(`operator.id ${quoteId(id)} ${taken}: give the name alone, as everybody types it.`);
  return { is: 'unverified', id, roles: roles && [...roles], ...(agents && { agents: [...agents] }) };
}

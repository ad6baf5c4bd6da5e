import { CANARY, type DrillKind, drillRun, invalid, readTarget } from '../../flags/index.ts';

/** What is particular to one kind of drill. */
interface KindRow {
  /** What it exercises, in a clause. */
  readonly says: string;
  /** What is stopped where nothing is named. */
  readonly target: (id: string) => string;
  /** Whether a target may be named; a text says why not that one. */
  readonly takes: (target: string) => string | null;
  /** Whose work has to be seen before anything is stopped: that of others, or what the drill does itself. */
  readonly work: 'others' | 'own';
  /** Whether the target is stopped; else nothing is. */
  readonly stops: boolean;
}

const OWN_ONLY = (): string => 'it stops nothing but what it does itself, so it takes no target';

/** One row a kind. */
export const KINDS: { readonly [K in DrillKind]: KindRow } = {
  stop: {
    says: 'stops what runs, and sees that it stops',
    target: () => 'all',
    takes: () => null,
    work: 'others',
    stops: true,
  },
  scoped: {
    says: 'cuts one permission in the middle of a run, and sees that the rest goes on',
    target: () => `action:${CANARY.send}`,
    takes: (target) => (readTarget(target).type === 'action' ? null : 'it cuts one permission: action:PATTERN'),
    work: 'own',
    stops: true,
  },
  rollback: {
    says: 'stops a run of its own, and has everything undone that it has done',
    target: (id) => `run:${drillRun(id)}`,
    takes: OWN_ONLY,
    work: 'own',
    stops: true,
  },
  partition: {
    says: 'has one executor not hear its store, and sees that it stops by itself',
    target: () => 'all',
    takes: (target) =>
      ['all', 'agent', 'mission'].includes(readTarget(target).type)
        ? null
        : 'it takes an executor that works for an agent or a mission: agent:ID or mission:ID',
    work: 'own',
    stops: false,
  },
  exfiltration: {
    says: 'tries to send something to somebody who is not allowed, and sees that it is blocked',
    target: () => `action:${CANARY.send}`,
    takes(target) {
      const { type, id } = readTarget(target);
      return type === 'action' && !id.endsWith('*') ? null : 'it tries one action that sends something: action:NAME';
    },
    work: 'own',
    stops: false,
  },
};

/** Whom a drill tries to send to where nobody is named: nobody can have that address. */
export const NOBODY = 'canary@exfiltration.invalid';

/** The target of a drill. @throws KillSwitchError INVALID_ARGUMENT */
export function drillTarget(kind: DrillKind, given: string | null, id: string): string {
  if (given === null) return KINDS[kind].target(id);
  const problem = KINDS[kind].takes(given);
  if (problem === null) return given;
  throw invalid(`A drill of the kind ${kind} cannot take ${given}: ${problem}.`);
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Attributes, idProblem, invalid, type Reversing } from '../flags/index.ts';
import { joinContexts } from './run-context.ts';

/**
 * Who acts: an agent, perhaps for a mission, in a run; and all of their parents, so that a kill on a parent reaches its
 * children.
 */
export interface Identity {
  readonly agentId: string | undefined;
  readonly missionId: string | undefined;
  readonly runId: string | undefined;
  readonly lineageAgents: readonly string[];
  readonly lineageMissions: readonly string[];
  readonly lineageRuns: readonly string[];
  /** The application's own attributes, for the conditions of rules. */
  readonly context?: Attributes | undefined;
  /** Only of who undoes something: never of code of the application. */
  readonly reversing?: Reversing | undefined;
}

/** The identity of the running code. Our own storage: no transaction context of the application can replace it. */
export type IdentityStorage = AsyncLocalStorage<Identity | undefined>;

export const createIdentityStorage = (): IdentityStorage => new AsyncLocalStorage<Identity | undefined>();

/** Why a call without an agent is blocked, and how to mend it. */
export const unidentified = (requireRun: boolean): string =>
  requireRun
    ? 'this call came from outside every run, and the switch was created with requireRun: perform it inside killSwitch.run({ agentId }, …); wrap callbacks of a pool, a batcher, an emitter or a timer in run.bind(…) or AsyncResource.bind(…)'
    : 'this call names no agent: perform it inside killSwitch.run({ agentId }, …), or give createKillSwitch an agentId';

/** @throws KillSwitchError INVALID_ARGUMENT */
export function checkId<Id extends string | undefined>(what: string, id: Id): Id {
  const problem = id === undefined ? null : idProblem(id);
  if (problem) throw invalid(`${what} ${problem}.`);
  return id;
}

const join = (lineage: readonly string[], ...more: (string | undefined)[]): readonly string[] => [
  ...new Set([...lineage, ...more.filter((id) => id !== undefined)]),
];

/**
 * The identity of a child of `parent`: the parent's agent, mission and run become part of its lineage.
 * @throws KillSwitchError INVALID_ARGUMENT where it would change the parent's attributes
 */
export function childIdentity(
  parent: Identity | undefined,
  own: Pick<Identity, 'agentId' | 'missionId' | 'runId' | 'context'>,
  handed: Pick<Identity, 'lineageAgents' | 'lineageMissions' | 'lineageRuns'> | undefined,
): Identity {
  return {
    agentId: own.agentId ?? parent?.agentId,
    missionId: own.missionId ?? parent?.missionId,
    runId: own.runId,
    lineageAgents: join(parent?.lineageAgents ?? [], parent?.agentId, ...(handed?.lineageAgents ?? [])),
    lineageMissions: join(parent?.lineageMissions ?? [], parent?.missionId, ...(handed?.lineageMissions ?? [])),
    lineageRuns: join(parent?.lineageRuns ?? [], parent?.runId, ...(handed?.lineageRuns ?? [])),
    context: joinContexts(parent?.context, own.context),
  };
}

type Lineage = {
  readonly [Key in Exclude<keyof Identity, 'context' | 'reversing'>]?: Identity[Key] | undefined;
};

const has = (id: string | undefined, lineage: readonly string[] | undefined, wanted: string): boolean =>
  id === wanted || lineage?.includes(wanted) === true;

/** True when every kill of an agent, mission or run that reaches `above` reaches `below` too. */
export const isAbove = (above: Lineage, below: Lineage): boolean =>
  join(above.lineageAgents ?? [], above.agentId).every((id) => has(below.agentId, below.lineageAgents, id)) &&
  join(above.lineageMissions ?? [], above.missionId).every((id) => has(below.missionId, below.lineageMissions, id)) &&
  join(above.lineageRuns ?? [], above.runId).every((id) => has(below.runId, below.lineageRuns, id));

/**
 * A lineage as a plain string for another process. It includes this run itself, because work over there is its child.
 * It can only add restrictions.
 */
export const formatLineage = (identity: Identity): string =>
  Buffer.from(
    JSON.stringify([
      join(identity.lineageAgents, identity.agentId),
      join(identity.lineageMissions, identity.missionId),
      join(identity.lineageRuns, identity.runId),
    ]),
  ).toString('base64url');

/** @throws KillSwitchError INVALID_ARGUMENT for a text that `formatLineage` did not write */
export function parseLineage(text: string): Pick<Identity, 'lineageAgents' | 'lineageMissions' | 'lineageRuns'> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    // No JSON: refused below, as is any other value that is no lineage.
  }
  const [lineageAgents, lineageMissions, lineageRuns, ...more]: readonly unknown[] = Array.isArray(value) ? value : [];
  if (areIds(lineageAgents) && areIds(lineageMissions) && areIds(lineageRuns) && more.length === 0)
    return { lineageAgents, lineageMissions, lineageRuns };
  throw invalid(
    'This lineage cannot be read. Pass on the text of run.lineage unchanged: without its parents a run would miss their kills.',
  );
}

const areIds = (list: unknown): list is string[] => Array.isArray(list) && list.every((id) => idProblem(id) === null);

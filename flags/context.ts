import { deepFreeze } from './freeze.ts';

/** A value in the attributes of an application: plain data. */
export type AttributeValue = null | boolean | number | string | AttributeValue[] | { [name: string]: AttributeValue };

/** The attributes that an application adds to an evaluation context, for conditions to see. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Who asks to pass the kills of which rollback. */
export interface Reversing {
  readonly rollback: string;
  /** The id of the executor that asks. */
  readonly executor: string;
}

/** Who asks, and for what. Lineages name all parents, so that a kill of a parent reaches its children. */
export interface Subject {
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  readonly runId?: string | undefined;
  readonly lineageAgents?: readonly string[] | undefined;
  readonly lineageMissions?: readonly string[] | undefined;
  readonly lineageRuns?: readonly string[] | undefined;
  readonly action?: string | undefined;
  readonly effect?: string | undefined;
  readonly surface?: string | undefined;
  readonly feature?: string | undefined;
  readonly organizationId?: string | undefined;
  /** The application's own attributes. Conditions see them; who asks is said by the others alone. */
  readonly context?: Attributes | undefined;
  /** Set by the guard alone, for a reversal: it passes the kills that its rollback names, as long as that may go on. */
  readonly reversing?: Reversing | undefined;
}

/** The context attributes that say who asks: each is absent or a non-empty string. */
export const IDENTITY_ATTRIBUTES = deepFreeze({
  organization_id: 'organizationId',
  agent_id: 'agentId',
  mission_id: 'missionId',
  run_id: 'runId',
  action: 'action',
  effect: 'effect',
  surface: 'surface',
  feature: 'feature',
} as const satisfies Record<string, Exclude<keyof Subject, 'context' | 'reversing'>>);

/** The context attributes that name all parents: each is absent or an array of strings. */
export const LINEAGE_ATTRIBUTES = deepFreeze({
  lineage_runs: 'lineageRuns',
  lineage_agents: 'lineageAgents',
  lineage_missions: 'lineageMissions',
} as const satisfies Record<string, keyof Subject>);

const IDENTITY = Object.entries(IDENTITY_ATTRIBUTES);
const LINEAGE = Object.entries(LINEAGE_ATTRIBUTES);

/** All members, in one order: an object that gets them one by one takes longer to make, and to read. */
const NOBODY: Subject = {
  ...Object.fromEntries([...IDENTITY, ...LINEAGE].map(([, key]) => [key, undefined])),
  context: undefined,
  reversing: undefined,
};

type EvaluationContextLike = Readonly<Record<string, unknown>>;

/**
 * Reads the identity out of an evaluation context; a text says what is wrong with it (then it is `full_stop`: a kill
 * must not miss somebody whose name cannot be read).
 */
export function subjectFromContext(context: EvaluationContextLike): Subject | string {
  const subject: Record<string, unknown> = { ...NOBODY };
  for (const [attribute, key] of IDENTITY) {
    const value = context[attribute];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') return `${attribute} must be a non-empty string`;
    // It would be one id like any other, and the name of an action would be that of a pattern: neither is ever given.
    if (value === '*') return `${attribute} must not be "*"`;
    subject[key] = value;
  }
  const { action } = subject;
  if (typeof action === 'string' && action.includes('*')) return 'action must not contain a *';
  for (const [attribute, key] of LINEAGE) {
    const value = context[attribute];
    if (value === undefined) continue;
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      return `${attribute} must be an array of strings`;
    }
    if (value.includes('*')) return `${attribute} must not name "*"`;
    subject[key] = value;
  }
  return subject as Subject;
}

/**
 * The evaluation context of a subject: the application's attributes, and over them who asks. `targetingKey` is the run
 * id, where the application gives none.
 */
export const contextFromSubject = (subject: Subject): Record<string, AttributeValue> =>
  withIdentity(subject.context === undefined ? {} : { ...subject.context }, subject);

/** Somebody and all parents, each once: what counts for a child counts for its parents too. */
export function ownAndParents(own: string | undefined, parents: readonly string[] | undefined): readonly string[] {
  if (!parents) return own === undefined ? [] : [own]; // most calls
  return [...new Set([...(own === undefined ? [] : [own]), ...parents])];
}

/** Only who asks, as an evaluation context. */
export const identityContext = (subject: Subject): Record<string, AttributeValue> => withIdentity({}, subject);

function withIdentity(context: Record<string, AttributeValue>, subject: Subject): Record<string, AttributeValue> {
  for (const [attribute, key] of IDENTITY) {
    const value = subject[key];
    if (value !== undefined) context[attribute] = value as string;
  }
  for (const [attribute, key] of LINEAGE) {
    const value = subject[key];
    if (value !== undefined) context[attribute] = [...(value as readonly string[])];
  }
  if (subject.runId !== undefined) context['targetingKey'] ??= subject.runId;
  return context;
}

import type { BaseHook, EvaluationContext, EvaluationDetails, FlagValue, HookContext } from '@openfeature/core';
import { flagRow } from '../flags/catalogue.ts';
import { dropPromise } from '../flags/callbacks.ts';
import {
  identityContext,
  IDENTITY_ATTRIBUTES,
  LINEAGE_ATTRIBUTES,
  type Subject,
  subjectFromContext,
} from '../flags/context.ts';
import { invalid, messageOf } from '../flags/errors.ts';
import { quoteId } from '../flags/printable.ts';
import { epochOf } from '../flags/reading.ts';
import { safeAnswer } from '../flags/safe-answer.ts';
import { overwrite } from './overwrite.ts';

/** Who asks: at least one of `agentId`, `missionId` and `runId`, and whatever else is known of the subject. */
export type Identity = Omit<Subject, 'context'>;

const MEMBERS: readonly (keyof Identity)[] = [
  ...Object.values(IDENTITY_ATTRIBUTES),
  ...Object.values(LINEAGE_ATTRIBUTES),
];

/** The letters of a name, in whatever way they are written: `agent_id`, `agentID` and `agentId` have the same. */
const lettersOf = (name: string): string => name.replaceAll(/[_-]/g, '').toLowerCase().replace('organis', 'organiz');
const BY_LETTERS = new Map(MEMBERS.map((member) => [lettersOf(member), member]));

/**
 * Fills the evaluation context from a function that knows who is at work; its attributes replace those of the caller.
 * For the `hooks` of a provider: those run last before the flag is resolved. A function that throws, or answers with
 * anything but an identity (also with `agent_id` for `agentId`), makes every kill-switch flag come back as its safe
 * value, because a kill could miss work without a name. The function is synchronous, and called for each evaluation.
 */
export class IdentityHook implements BaseHook<FlagValue, Record<string, unknown>, EvaluationContext, void> {
  readonly #identify: () => Identity;
  readonly #failed = new WeakMap<object, string>();

  /** @throws KillSwitchError INVALID_ARGUMENT where it is given no function */
  constructor(identify: () => Identity) {
    if (typeof identify !== 'function')
      throw invalid(
        `IdentityHook must be given the function that says who asks: it must be a function, not ${quoteId(identify)}.`,
      );
    this.#identify = identify;
  }

  before(hookContext: Readonly<HookContext>): EvaluationContext {
    const identity = this.#context();
    if (typeof identity !== 'string') return identity;
    this.#failed.set(hookContext, identity);
    return { agent_id: false }; // no name at all: our own providers answer it with full_stop
  }

  finally(hookContext: Readonly<HookContext>, details: EvaluationDetails<FlagValue>): void {
    const message = this.#failed.get(hookContext);
    const found = message === undefined ? undefined : flagRow(hookContext.flagKey);
    if (message === undefined || !found) return;
    // Another provider may ignore the attribute, and have answered as for work that nothing restricts.
    const safe = safeAnswer(found.row, hookContext.flagValueType, { kind: 'identity', message }, epochOf(details));
    if (!overwrite(details, safe, null)) {
      hookContext.logger.error(
        `IdentityHook cannot change the answer for ${hookContext.flagKey}, although ${message}.`,
      );
    }
  }

  /** The attributes, or why there are none. */
  #context(): EvaluationContext | string {
    try {
      const subject: unknown = this.#identify();
      if (typeof subject !== 'object' || subject === null) return `the identity is ${String(subject)}, not an object`;
      const problem = identityProblem(subject);
      if (problem !== null) return problem;
      const context = identityContext(subject);
      const read = subjectFromContext(context);
      return typeof read === 'string' ? read : context;
    } catch (error) {
      return `the function given to IdentityHook threw: ${messageOf(error)}`;
    }
  }
}

function identityProblem(subject: Subject): string | null {
  if (dropPromise(subject) || 'then' in subject)
    return 'the identity is a promise: the function given to IdentityHook must be synchronous';
  if (subject.agentId === undefined && subject.missionId === undefined && subject.runId === undefined) {
    return 'the identity names no agent, mission or run';
  }
  for (const key of Object.values(LINEAGE_ATTRIBUTES)) {
    if (subject[key] !== undefined && !Array.isArray(subject[key])) return `${key} must be an array of strings`;
  }
  // It may have members of the application's own. But a kill of the mission would miss work with a `missionID`.
  for (const key of Object.keys(subject)) {
    const meant = BY_LETTERS.get(lettersOf(key));
    if (meant !== undefined && meant !== key) return `the identity has ${key} where ${meant} is meant`;
  }
  return null;
}

import {
  actionNameProblem,
  attributesProblem,
  idProblem,
  invalid,
  isEffect,
  quoteId,
  type Subject,
} from '../../flags/index.ts';
import { type Effect, EFFECTS } from '../../flags/modes.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { isoTime, oneOf } from './checks.ts';
import { jsonObject } from '../json-value.ts';

/** A call that is asked about, before anybody makes it. Who is not named is nobody in particular. */
export interface Question {
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  readonly runId?: string | undefined;
  readonly action?: string | undefined;
  /** Default `write`. */
  readonly effect?: Effect | undefined;
  readonly surface?: string | undefined;
  readonly feature?: string | undefined;
  /** The application's own attributes, as `run({ context })` gives them. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /**
   * When it would be made; default: now. Rules are judged at that time. Kills and stops count as they stand now, also
   * those that end before it.
   */
  readonly at?: string | Date | undefined;
}

const QUESTION_KEYS: Keys<Question> = {
  agentId: true,
  missionId: true,
  runId: true,
  action: true,
  effect: true,
  surface: true,
  feature: true,
  context: ['attributes'],
  at: ['time', 'when'],
};

/** Who would ask for what, as a decision is about it. */
export interface Asking extends Subject {
  readonly effect: Effect;
  /** RFC 3339 UTC; null: now. */
  readonly at: string | null;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenQuestion(what: 'check' | 'explain', options: Question): Asking {
  const given = checkKeys(what, options, QUESTION_KEYS);
  const { effect = 'write', context, at, ...named } = given;
  for (const [key, id] of Object.entries(named)) {
    const problem = id === undefined ? null : key === 'action' ? actionNameProblem(id) : idProblem(id);
    if (problem !== null) throw invalid(`${key} ${problem}, and is ${quoteId(id)}.`);
  }
  const asked = { ...named, at: at === undefined ? null : isoTime(at) };
  return { ...asked, effect: oneOf('an effect', effect, isEffect, EFFECTS), ...givenContext(context) };
}

function givenContext(given: unknown): Pick<Subject, 'context'> {
  if (given === undefined) return {};
  const context = jsonObject('context', "an object with the application's own attributes", given);
  const problem = attributesProblem(context);
  if (problem !== null) throw invalid(`context ${problem}.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it comes from JSON
  return { context: context as Subject['context'] };
}

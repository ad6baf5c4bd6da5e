import {
  actionNameProblem,
  attributesProblem,
  conditionProblem,
  idProblem,
  invalid,
  isEffect,
  isMode,
  MODES,
  parseTarget,
  quoteId,
  type Subject,
} from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { EFFECTS, type Effect } from '../flags/modes.ts';
import { parseWindow } from '../flags/window.ts';
import type { AskedWindow } from './compiled-window.ts';
import type { Question, RecordedRule, RuleOptions, RuleRemoval } from './control-plane.ts';
import {
  change,
  CHANGE_KEYS,
  checkName,
  type Given,
  givenWaiting,
  isoTime,
  milliseconds,
  oneOf,
  WAIT_KEYS,
} from './given.ts';
import type { CommandOf } from './commands/index.ts';
import { jsonObject } from './json-value.ts';

const RULE_KEYS: Keys<RuleOptions> = {
  ...CHANGE_KEYS,
  ...WAIT_KEYS,
  name: ['rule'],
  target: true,
  mode: true,
  window: ['hours', 'schedule'],
  from: ['since', 'start', 'startsAt'],
  until: ['to', 'end', 'endsAt', 'expiresAt'],
  lastsMs: ['duration', 'durationMs', 'for'],
  drainMs: ['drain'],
  when: ['condition', 'if'],
};

/** A rule with what it takes to record it. @throws KillSwitchError INVALID_ARGUMENT */
export function givenRule(options: RuleOptions): Given<'rule_add', RecordedRule> {
  const given = checkKeys('addRule', options, RULE_KEYS);
  const { name, target, mode, when } = given;
  checkName('a rule', name);
  parseTarget(target);
  const asked = oneOf('a mode', mode, isMode, MODES);
  const window = givenWindow(given);
  const condition = when === undefined ? null : jsonObject('when', 'a condition of flagd as a JSON object', when);
  const problem = condition && conditionProblem(condition);
  if (problem !== null) throw invalid(`when is a condition that ${problem}.`);
  return {
    command: { type: 'rule_add', name, target, mode: asked, window, when: condition, ...change(given) },
    waiting: givenWaiting(given),
  };
}

function givenWindow({ window, from, until, lastsMs, drainMs = 0 }: RuleOptions): AskedWindow | null {
  milliseconds('drainMs', drainMs);
  const isOnce = from !== undefined || until !== undefined || lastsMs !== undefined;
  if (window !== undefined && isOnce)
    throw invalid('A rule has a window of every week, or one for one time (from, until), not both.');
  if (until !== undefined && lastsMs !== undefined) throw invalid('A rule has until or lastsMs, not both.');
  if (lastsMs !== undefined && !(milliseconds('lastsMs', lastsMs) > 0))
    throw invalid('lastsMs is a number of more than 0, in milliseconds.');
  if (window !== undefined) return { kind: 'weekly', words: parseWindow(window).words, drainMs };
  const [begins, ends] = [from, until].map((time) => (time === undefined ? null : isoTime(time)));
  if (isOnce) return { kind: 'once', from: begins ?? null, until: ends ?? null, lastsMs, drainMs };
  if (drainMs > 0)
    throw invalid('drainMs is the time before a window opens: give the rule a window, or from and until.');
  return null;
}

export function givenRuleRemoval(options: RuleRemoval): CommandOf<'rule_remove'> {
  const given = checkKeys('removeRule', options, { ...CHANGE_KEYS, name: ['rule'] });
  checkName('a rule', given.name);
  return { type: 'rule_remove', name: given.name, ...change(given) };
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
};

/** Who would ask for what, as a decision is about it. */
export interface Asking extends Subject {
  readonly effect: Effect;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenQuestion(what: 'check' | 'explain', options: Question): Asking {
  const given = checkKeys(what, options, QUESTION_KEYS);
  const { effect = 'write', context, ...named } = given;
  for (const [key, id] of Object.entries(named)) {
    const problem = id === undefined ? null : key === 'action' ? actionNameProblem(id) : idProblem(id);
    if (problem !== null) throw invalid(`${key} ${problem}, and is ${quoteId(id)}.`);
  }
  return { ...named, effect: oneOf('an effect', effect, isEffect, EFFECTS), ...givenContext(context) };
}

function givenContext(given: unknown): Pick<Subject, 'context'> {
  if (given === undefined) return {};
  const context = jsonObject('context', "an object with the application's own attributes", given);
  const problem = attributesProblem(context);
  if (problem !== null) throw invalid(`context ${problem}.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it comes from JSON
  return { context: context as Subject['context'] };
}

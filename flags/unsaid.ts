import { isJsonObject } from './json-object.ts';
import { OwnEvaluator } from './own-evaluator.ts';
import { isSaidBySwitch } from './rule-attributes.ts';
import type { JsonLogic } from './json-logic.ts';

const [MET, UNMET] = ['met', 'unmet'] as const;

/** True, false, or null where that depends on what the switch itself says of every call. */
type Outcome = boolean | null;

/**
 * The attributes of the application that a condition asks for, where no call that lacks them all meets it: whoever
 * forgets or misspells one is not restricted by its rule. None where such a call may meet it.
 */
export function unsaidAttributes(when: unknown): readonly string[] {
  const names = [...new Set(namesIn(when))].filter((name) => !isSaidBySwitch(name));
  return names.length > 0 && outcomeOf(when) === false ? names : [];
}

function outcomeOf(condition: unknown): Outcome {
  if (typeof condition === 'boolean') return condition;
  const [[operator, given] = []] = isJsonObject(condition) ? Object.entries(condition) : [];
  const parts: readonly unknown[] = Array.isArray(given) ? given : [given];
  switch (operator) {
    case 'and':
      return every(parts.map(outcomeOf));
    case 'or':
      return not(every(parts.map((part) => not(outcomeOf(part)))));
    case '!':
      return not(outcomeOf(parts[0]));
    case '!!':
      return outcomeOf(parts[0]);
    case 'if':
    case '?:':
      return branchOf(parts);
    default:
      return comparisonOf(condition);
  }
}

const not = (outcome: Outcome): Outcome => (outcome === null ? null : !outcome);

const every = (outcomes: readonly Outcome[]): Outcome =>
  outcomes.includes(false) ? false : outcomes.includes(null) ? null : true;

/** `if … else if … else`; without the last one it ends with nothing, which is not met. */
function branchOf([first, then, ...others]: readonly unknown[]): Outcome {
  if (then === undefined) return first === undefined ? false : outcomeOf(first);
  const is = outcomeOf(first);
  if (is !== null) return is ? outcomeOf(then) : branchOf(others);
  const [one, other] = [outcomeOf(then), branchOf(others)];
  return one === other ? one : null;
}

function comparisonOf(condition: unknown): Outcome {
  const names = namesIn(condition);
  if (names.length === 0 || names.some(isSaidBySwitch)) return null;
  const words = [MET, UNMET];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of a condition that flagd takes
  const targeting = { if: [condition as JsonLogic, MET, UNMET] };
  const evaluator = new OwnEvaluator({ targeting, words, otherwise: MET, attributes: new Map() });
  const found = evaluator.evaluate({}, () => null);
  return found === null ? null : found === MET;
}

/** What the variables in a condition are called. */
export function namesIn(condition: unknown): string[] {
  if (Array.isArray(condition)) return condition.flatMap(namesIn);
  if (!isJsonObject(condition)) return [];
  return Object.entries(condition).flatMap(([operator, given]) => {
    if (operator !== 'var') return namesIn(given);
    const [name, ...others]: readonly unknown[] = Array.isArray(given) ? given : [given];
    return [...(typeof name === 'string' && name !== '' ? [name] : []), ...namesIn(others)];
  });
}

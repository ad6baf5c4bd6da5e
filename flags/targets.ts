import { invalid } from './errors.ts';
import { idProblem, quoteId } from './ids.ts';

/** What can be restricted, as the first word of a target. `all` stands alone; the others are followed by `:` and an id. */
export const TARGET_TYPES = Object.freeze(['all', 'agent', 'mission', 'run', 'action', 'feature', 'surface'] as const);

export type TargetType = (typeof TARGET_TYPES)[number];

/** `id` is verbatim everything after the first colon; `''` for `all`. An action's id is exact, or a pattern that ends in `.*`. */
export interface Target {
  readonly type: TargetType;
  readonly id: string;
}

const isTargetType = (value: string): value is TargetType => (TARGET_TYPES as readonly string[]).includes(value);

/**
 * Reads `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `feature:NAME` or `surface:NAME`.
 * @throws KillSwitchError INVALID_ARGUMENT for anything else, with the form to paste.
 */
export function parseTarget(text: unknown): Target {
  if (typeof text !== 'string') throw invalid(`A target is a text such as "agent:returns-bot", not ${quoteId(text)}.`);
  if (text === 'all') return { type: 'all', id: '' };
  const colon = text.indexOf(':');
  const type = colon < 0 ? text : text.slice(0, colon);
  const id = colon < 0 ? '' : text.slice(colon + 1);
  if (colon < 0 && !isTargetType(text)) {
    const problem = idProblem(text);
    if (problem) throw invalid(`${quoteId(text)} is not a target: it ${problem}.`);
    throw invalid(
      `${quoteId(text)} is not a target: say what it is. For an agent of this name: kill-switch kill agent:${text}`,
    );
  }
  if (!isTargetType(type)) {
    throw invalid(`${quoteId(text)} is not a target: it must begin with one of ${TARGET_TYPES.join(', ')}.`);
  }
  if (type === 'all') throw invalid(`${quoteId(text)} is not a target: "all" stands alone.`);
  const problem = idProblem(id);
  if (problem) throw invalid(`${quoteId(text)} is not a target: the id after "${type}:" ${problem}.`);
  return { type, id };
}

export const formatTarget = (target: Target): string => (target.type === 'all' ? 'all' : `${target.type}:${target.id}`);

/** The patterns that match an action, beside its own name: `a.b.c` → `a.b.*`, `a.*`. Each is looked up by exact key, so no list is scanned. */
export function actionPatterns(action: string): string[] {
  const patterns: string[] = [];
  for (let dot = action.lastIndexOf('.'); dot > 0; dot = action.lastIndexOf('.', dot - 1)) {
    patterns.push(`${action.slice(0, dot)}.*`);
  }
  return patterns;
}

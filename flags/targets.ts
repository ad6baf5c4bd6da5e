import type { Subject } from './context.ts';
import { invalid } from './errors.ts';
import { idProblem, isPlainName, textProblem } from './ids.ts';
import { quoteId, shellWord } from './printable.ts';

/**
 * What can be restricted, as the first word of a target. `all` stands alone; the others are followed by `:` and an id.
 */
export const TARGET_TYPES = Object.freeze(['all', 'agent', 'mission', 'run', 'action', 'feature', 'surface'] as const);

/** One of {@link TARGET_TYPES}. */
export type TargetType = (typeof TARGET_TYPES)[number];

/**
 * `id` is verbatim everything after the first colon; `''` for `all`. An action's id is exact, or a pattern that ends in
 * `.*`.
 */
export interface Target {
  readonly type: TargetType;
  readonly id: string;
}

const isTargetType = (value: string): value is TargetType => (TARGET_TYPES as readonly string[]).includes(value);

/** The form to paste that a refusal suggests by default: the command line of `kill`. */
const byKilling = (target: string): string => `kill-switch kill ${shellWord(target)}`;

/**
 * Reads `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `feature:NAME` or `surface:NAME`. A `*` anywhere
 * but in the final `.*` of an action is refused, because it would match nothing.
 * @param toPaste makes the form to paste that a refusal suggests for a target
 * @throws KillSwitchError INVALID_ARGUMENT for anything else, with the form to paste
 */
export function parseTarget(text: unknown, toPaste: (target: string) => string = byKilling): Target {
  if (text === '*') throw invalid(`"*" is not a target. To stop everything: ${toPaste('all')}`);
  const target = readTarget(text, toPaste);
  const problem = starProblem(target, toPaste);
  if (problem) throw invalid(`${quoteId(text)} is not a target: ${problem}`);
  return target;
}

function starProblem({ type, id }: Target, toPaste: (target: string) => string): string | null {
  const everything = `To stop everything: ${toPaste('all')}`;
  if (type !== 'action') return id === '*' ? `"*" would be one id like any other. ${everything}` : null;
  if (!id.includes('*') || isPattern(id)) return null;
  if (id === '*' || id === '.*') return `it would match no action. ${everything}`;
  const domain = id.slice(0, id.indexOf('*')).replace(/\.+$/, '');
  const rule = 'a * stands only at the end of an action, after a dot';
  return domain === ''
    ? `${rule}. Name each action, or all that begin alike (action:DOMAIN.*). ${everything}`
    : `${rule}. For all actions that begin with ${quoteId(`${domain}.`)}: ${toPaste(`action:${domain}.*`)}`;
}

/** True for a recorded target that restricts nobody: another version accepted it, and its `*` matches nothing. */
export const restrictsNobody = (recorded: string): boolean => starProblem(readTarget(recorded), byKilling) !== null;

/** True for a domain followed by `.*`, without any other `*`. */
export const isPattern = (id: string): boolean => /^[^*]+\.\*$/.test(id);

/**
 * A target as a log has it. Another version may have recorded a `*` anywhere: it then stands for one id, which nobody
 * can have, and the kill can be revived.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function readTarget(text: unknown, toPaste: (target: string) => string = byKilling): Target {
  if (typeof text !== 'string') throw invalid(`A target is a text such as "agent:returns-bot", not ${quoteId(text)}.`);
  if (text === 'all') return { type: 'all', id: '' };
  const colon = text.indexOf(':');
  const type = colon < 0 ? text : text.slice(0, colon);
  const id = colon < 0 ? '' : text.slice(colon + 1);
  if (colon < 0 && !isTargetType(text)) {
    const problem = textProblem(text);
    if (problem) throw invalid(`${quoteId(text)} is not a target: it ${problem}.`);
    throw invalid(
      `${quoteId(text)} is not a target: say what it is. For an agent of this name: ${toPaste(`agent:${text}`)}${orAction(text, toPaste)}`,
    );
  }
  if (!isTargetType(type)) {
    throw invalid(`${quoteId(text)} is not a target: it must begin with one of ${TARGET_TYPES.join(', ')}.`);
  }
  if (type === 'all') throw invalid(`${quoteId(text)} is not a target: "all" stands alone.`);
  const problem = textProblem(id);
  if (problem) throw invalid(`${quoteId(text)} is not a target: the id after "${type}:" ${problem}.`);
  return { type, id };
}

/** Why this text cannot be the name of an action, or null when it can. */
export function actionNameProblem(name: unknown): string | null {
  if (isPlainName(name)) return null;
  return (
    idProblem(name) ??
    (String(name).includes('*') ? 'must not contain a *, which only the name of a pattern has' : null)
  );
}

/** A word with a dot may be the name of an action. */
const orAction = (word: string, toPaste: (target: string) => string): string =>
  /^[^.]+\../.test(word) ? `. For the action: ${toPaste(`action:${word}`)}` : '';

/** The target as people write it, and as `parseTarget` reads it. */
export const formatTarget = (target: Target): string => (target.type === 'all' ? 'all' : `${target.type}:${target.id}`);

/**
 * The patterns that match an action, beside its own name: `a.b.c` → `a.b.*`, `a.*`. Each is looked up by exact key; no
 * list is scanned.
 */
export function actionPatterns(action: string): string[] {
  const patterns: string[] = [];
  for (let dot = action.lastIndexOf('.'); dot > 0; dot = action.lastIndexOf('.', dot - 1)) {
    patterns.push(`${action.slice(0, dot)}.*`);
  }
  return patterns;
}

/** The lists of a subject that hold ids of one type of target. */
const idsOf = {
  agent: ({ agentId, lineageAgents }: Subject) => [agentId, ...(lineageAgents ?? [])],
  mission: ({ missionId, lineageMissions }: Subject) => [missionId, ...(lineageMissions ?? [])],
  run: ({ runId, lineageRuns }: Subject) => [runId, ...(lineageRuns ?? [])],
  action: ({ action }: Subject) => (action === undefined ? [] : [action, ...actionPatterns(action)]),
  feature: ({ feature }: Subject) => [feature],
  surface: ({ surface }: Subject) => [surface],
} as const satisfies Record<Exclude<TargetType, 'all'>, (subject: Subject) => readonly (string | undefined)[]>;

/** The ids under which a subject is found in a table of restrictions of one type; `''` for `all`. */
export const idsIn = (type: TargetType, subject: Subject): readonly (string | undefined)[] =>
  type === 'all' ? ALL_IDS : idsOf[type](subject);

const ALL_IDS: readonly string[] = [''];

/**
 * True when a kill of the target restricts the subject. For people who are told what a stop has hit: decisions look
 * kills up by key (`resolveMode`).
 */
export const reaches = ({ type, id }: Target, subject: Subject): boolean =>
  type === 'all' || idsOf[type](subject).includes(id);

import { isJsonObject } from '../../flags/json-object.ts';
import { Argument, Option } from 'commander';
import { decimalOf, parseDecimal } from '../../flags/decimal.ts';
import {
  idProblem,
  invalid,
  messageOf,
  MODES,
  type Mode,
  parseTarget,
  quoteId,
  shellWord,
  TARGET_TYPES,
} from '../../flags/index.ts';
import { parseDuration, parseEnd } from './duration.ts';
import { parseExactJson } from './exact-json.ts';
import { closest } from '../../flags/closest.ts';

const didYouMean = (word: string, words: readonly string[]): string => {
  const meant = closest(word, words);
  return meant === undefined ? '' : ` Did you mean ${meant}?`;
};

/** A parser that takes one of these words. */
export const oneOf =
  <T extends string>(what: string, words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw invalid(`${quoteId(text)} is not ${what}: it is one of ${words.join(', ')}.${didYouMean(text, words)}`);
  };

export const MODE_HELP = `one of ${MODES.join(', ')}`;
export const parseMode: (text: string) => Mode = oneOf('a mode', MODES);

/** What people type for `all`. A shell makes file names of a `*` that is not quoted. */
const EVERYTHING: ReadonlySet<string> = new Set([
  '*',
  '**',
  '.',
  'any',
  'every',
  'everything',
  'everyone',
  'everybody',
]);

/** An argument that is or holds an id. The command warns of an id that is easily mistaken for another. */
export class IdArgument extends Argument {}

/** Makes the form to paste, for a target that was meant. */
export type ToPaste = (target: string) => string;

/**
 * Checks a target as it was typed. A bare word could be an agent, a mission or a run, so it is refused, with the forms
 * to paste. @throws KillSwitchError INVALID_ARGUMENT
 */
export function parseTargetWord(text: string, toPaste: ToPaste, read = parseTarget): string {
  try {
    return readTargetWord(text, toPaste, read);
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { [MISTYPED]: text }) : error;
  }
}

const MISTYPED = Symbol('mistyped');

/** What was typed as a target and is none, where that is what is wrong; else null. */
export const mistypedTarget = (error: unknown): string | null =>
  error instanceof Error && MISTYPED in error ? String(error[MISTYPED]) : null;

function readTargetWord(text: string, toPaste: ToPaste, read: typeof parseTarget): string {
  const colon = text.indexOf(':');
  const type = colon < 0 ? text : text.slice(0, colon);
  if ((TARGET_TYPES as readonly string[]).includes(type)) {
    read(text, toPaste);
    return text;
  }
  const meant = closest(type, TARGET_TYPES);
  const [, before = '', id = ''] = /^(\w+)=(.+)$/s.exec(text) ?? [];
  const typeMeant = colon < 0 ? closest(before, TARGET_TYPES) : undefined;
  if (typeMeant !== undefined && typeMeant !== 'all')
    throw invalid(`${quoteId(text)} is not a target. Did you mean ${shellWord(`${typeMeant}:${id}`)}?`);
  if (colon >= 0) {
    const hint = meant === undefined ? '' : ` Did you mean ${shellWord(`${meant}${text.slice(colon)}`)}?`;
    throw invalid(`${quoteId(text)} is not a target: it begins with one of ${TARGET_TYPES.join(', ')}.${hint}`);
  }
  if (meant === 'all' || EVERYTHING.has(text.toLowerCase()))
    throw invalid(`${quoteId(text)} is not a target. Did you mean all? To stop everything: ${toPaste('all')}`);
  read(text, toPaste); // throws, with the form to paste
  return text;
}

const TARGETS = 'all, agent:ID, mission:ID, run:ID, action:PATTERN, feature:NAME or surface:NAME';

/** The form to paste for a verb. `rest`: what follows the target. */
export const pasted =
  (verb: string, rest = ''): ToPaste =>
  (target) =>
    `kill-switch ${verb} ${shellWord(target)}${rest}`;

/** The target of a verb. */
export const targetArgument = (verb: string, rest = '', read = parseTarget): Argument =>
  new IdArgument('<target>', TARGETS).argParser((text) => parseTargetWord(text, pasted(verb, rest), read));

/** The targets of a verb: all of them are checked before the verb begins. */
export const targetsArgument = (verb: string): Argument =>
  new IdArgument('<target...>', TARGETS).argParser((text, before?: readonly string[]) => {
    try {
      return [...(before ?? []), parseTargetWord(text, pasted(verb))];
    } catch (error) {
      if (before === undefined || !(error instanceof Error)) throw error;
      error.message = `${messageOf(error)}\nPut what contains spaces in quotes.`;
      throw error;
    }
  });

/** The name of a feature, limit, action or executor. */
export const nameArgument = (name: string, what: string): Argument =>
  new IdArgument(`<${name}>`, what).argParser((text) => {
    const problem = idProblem(text);
    if (problem) throw invalid(`${quoteId(text)} is not ${what}: it ${problem}.`);
    return text;
  });

export const wholeNumber =
  (what: string, least: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least)) throw invalid(`${what} is a whole number from ${least}, not ${quoteId(text)}.`);
    return value;
  };

/**
 * The value of a limit, in plain decimal digits: JavaScript would also take `0x10`, `1e3` or an empty text as a number.
 * One that a number would round is refused: what is kept would not be what was typed, and might be more.
 */
export function parseLimit(text: string): number {
  const typed = parseDecimal(text);
  if (typed === null) throw invalid(`A limit is a number of at least 0, such as 200 or 0.5, not ${quoteId(text)}.`);
  const value = Number(text);
  if (!decimalOf(value).eq(typed))
    throw invalid(`A limit is kept as a number, and ${quoteId(text)} would become ${value}: type that, or less.`);
  return value;
}

/** A JSON object, as an option takes one. */
export const parseJson =
  (option: string, what: string) =>
  (text: string): Readonly<Record<string, unknown>> => {
    let problem = 'it is no JSON object';
    try {
      const value = parseExactJson(text);
      if (isJsonObject(value)) return value;
    } catch (error) {
      problem = messageOf(error);
    }
    throw invalid(`${option} takes ${what}, not ${quoteId(text)}: ${problem}.`);
  };

/** A JSON object, as a targeting rule is. */
export const parseTargeting = parseJson(
  '--targeting',
  `a flagd rule as a JSON object, for instance '{"if":[{"==":[{"var":"agent_id"},"x"]},"live","draft_only"]}'`,
);

export const reasonOption = (says = 'why; required where this gives authority back'): Option =>
  new Option('--reason <text>', says);

/** For verbs that can give authority back. */
export const epochOption = (): Option =>
  new Option(
    '--epoch <number>',
    'the epoch at which you looked (status shows it): refused if this was restricted again since, by somebody whose reason you have not seen (default: what is read now)',
  ).argParser(wholeNumber('--epoch', 0));

/** For verbs that can give authority back. */
export const breakGlassOption = (): Option =>
  new Option(
    '--break-glass',
    'alone, in an emergency: without the other person, the steps and the drill that governance asks for, where it lets that be; loudly logged',
  );

export const untilOption = (): Option =>
  new Option(
    '--until <time>',
    "when it ends: a time (RFC 3339), or a duration such as 30m after it is recorded, by the store's clock (default: never)",
  ).argParser(parseEnd);

export const waitOption = (): Option =>
  new Option('--wait <duration>', 'how long to wait for executors to stop and drain; 0: do not wait')
    .argParser(parseDuration)
    .default(5000, '5s');

export const afterOption = (): Option =>
  new Option('--after <seq>', 'only events after this one')
    .argParser(wholeNumber('--after', 0))
    .default(0, '0: from the start');

export const tailOption = (): Option =>
  new Option('--tail <number>', 'only the last ones, so many')
    .argParser(wholeNumber('--tail', 0))
    .conflicts(['skip', 'limit']);

export const durationOption = (flag: string, what: string, ms: number, shown: string): Option =>
  new Option(`--${flag} <duration>`, what).argParser(parseDuration).default(ms, shown);

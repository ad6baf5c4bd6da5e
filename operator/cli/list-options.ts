import { type Command, Option } from 'commander';
import {
  EVENT_TYPES,
  idProblem,
  invalid,
  isPattern,
  quoteId,
  readTarget,
  shellWord,
  textProblem,
} from '../../flags/index.ts';
import { keysOf, rowsOf } from '../../flags/table.ts';
import { EXECUTOR_STATES } from '../acknowledge.ts';
import { APPROVAL_STATUSES } from '../approval-records.ts';
import type { FilterName, FilterValues } from '../list-filters.ts';
import { oneOf, parseTargetWord, wholeNumber } from './arguments.ts';
import { parseSince } from './duration.ts';
import { stateWord } from './tables.ts';

/** The filters that a list takes, and what each comes to there, for its help. */
export type FilterHelp = Readonly<Partial<Record<FilterName, string>>>;

/** What was typed of them, as the lists of a control plane take it. */
export type TypedFilters = { readonly [F in FilterName]?: F extends 'since' ? Date : FilterValues[F] };

/** Which part of a list is shown, and in what form. */
export interface ListOptions extends TypedFilters {
  readonly skip: number;
  readonly limit?: number;
  readonly output?: 'wide';
}

const named =
  (flag: string, what: string) =>
  (text: string): string => {
    const problem = idProblem(text);
    if (problem !== null) throw invalid(`--${flag} takes ${what}, and ${quoteId(text)} ${problem}.`);
    return text;
  };

/** An action, or a pattern of actions. Another `*` would match nothing. */
function parseAction(text: string): string {
  named('action', 'an action or a pattern of actions')(text);
  if (!text.includes('*') || isPattern(text)) return text;
  throw invalid(
    `--action takes an action (email.send), or all that begin alike (email.*): in ${quoteId(text)} the * would match nothing.`,
  );
}

const option = (flags: string, parse: (text: string) => unknown) => (help: string) =>
  new Option(flags, help).argParser(parse);

const OPTIONS: { readonly [F in FilterName]: (help: string, verb: string) => Option } = {
  target: (help, verb) =>
    new Option('--target <target>', help).argParser((text) =>
      parseTargetWord(text, (target) => `kill-switch ${verb} --target ${shellWord(target)}`, readTarget),
    ),
  agent: option('--agent <id>', named('agent', 'the id of an agent')),
  action: option('--action <pattern>', parseAction),
  actor: option('--actor <name>', (text) => {
    const problem = textProblem(text);
    if (problem !== null) throw invalid(`--actor takes the name of an operator, and ${quoteId(text)} ${problem}.`);
    return text;
  }),
  type: option('--type <type>', oneOf('a type of event', EVENT_TYPES)),
  since: option('--since <time>', (text) => parseSince(text, Date.now())),
  // the screen says applied for what JSON calls stopped
  state: option('--state <state>', (text) =>
    oneOf('the state of an executor', EXECUTOR_STATES)(text === stateWord('stopped') ? 'stopped' : text),
  ),
  proposals: (help) => new Option('--proposals', help),
  status: option('--status <status>', oneOf('what becomes of a request', APPROVAL_STATUSES)),
};

/** The options of the filters that a list takes. */
const filterOptions = (verb: string, filters: FilterHelp): Option[] =>
  rowsOf(OPTIONS).flatMap(([name, make]) => {
    const help = filters[name];
    return help === undefined ? [] : [givenOnce(make(help, verb))];
  });

/** Else the last one would count, where somebody may have meant all of them. */
function givenOnce(filter: Option): Option {
  const { parseArg: parse, long } = filter;
  if (!parse) return filter;
  return filter.argParser((text, before: unknown) => {
    if (before === undefined) return parse(text, before);
    throw invalid(`${String(long)} was given twice, and a list takes it once: ask for one after the other.`);
  });
}

/** Only the filters among the options of a verb. */
export function typedFilters(options: TypedFilters): TypedFilters {
  const typed: { -readonly [F in FilterName]?: TypedFilters[F] } = {};
  for (const name of keysOf(OPTIONS)) copyFilter(name, options, typed);
  return typed;
}

function copyFilter<F extends FilterName>(
  name: F,
  from: TypedFilters,
  to: { -readonly [N in FilterName]?: TypedFilters[N] },
): void {
  if (from[name] !== undefined) to[name] = from[name];
}

/** How many rows are shown on a terminal where no `--limit` is given. */
export const SCREEN_ROWS = 100;

const skipOption = (): Option =>
  new Option('--skip <number>', 'how many to leave out at the start').argParser(wholeNumber('--skip', 0)).default(0);

const limitOption = (): Option =>
  new Option('--limit <number>', `how many to show at most (default: all; on a terminal ${SCREEN_ROWS})`).argParser(
    wholeNumber('--limit', 1),
  );

export const outputOption = (): Option =>
  new Option('-o, --output <form>', 'wide: nothing is cut, with full times and further columns').argParser((text) => {
    if (text === 'wide') return text;
    const json = text === 'json' ? ' For JSON: --json.' : '';
    throw invalid(`${quoteId(text)} is not a form of output: there is wide.${json}`);
  });

/** Adds the options that every list takes, and those of its filters. */
export function withListOptions(command: Command, filters: FilterHelp): Command {
  const options = [skipOption(), limitOption(), outputOption(), ...filterOptions(command.name(), filters)];
  for (const each of options) command.addOption(each);
  return command;
}

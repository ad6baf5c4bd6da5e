import { Option } from 'commander';
import { idProblem, invalid, quoteId } from '../../flags/index.ts';
import { parseTargeting, wholeNumber } from './arguments.ts';

/** The options that say for whom a stage counts; at most one of them. */
export interface ForWhom {
  readonly accounts?: readonly string[];
  readonly percentage?: number;
  readonly targeting?: Readonly<Record<string, unknown>>;
}

/** The options that say what a feature has to show. */
export interface Required {
  readonly requireRuns?: number;
  readonly requireDays?: number;
  readonly requireAgreement?: number;
}

export const FOR_WHOM_OPTIONS: readonly Option[] = [
  new Option(
    '--accounts <ids>',
    'only for these accounts (account_id), with commas between them; all others, also those that were named before, have the stage that was set without accounts',
  )
    .argParser(parseAccounts)
    .conflicts(['percentage', 'targeting']),
  new Option(
    '--percentage <number>',
    'only for this share of accounts (account_id), 1 to 99; all others, also those that were named before, have the stage that was set without a share',
  )
    .argParser(parsePercentage)
    .conflicts(['targeting']),
  new Option(
    '--targeting <json>',
    "a rule of flagd's that answers with a stage (default: the same for everyone)",
  ).argParser(parseTargeting),
];

export const REQUIRE_OPTIONS: readonly Option[] = [
  new Option('--require-runs <number>', 'how many shadow runs it has to show before it goes beyond shadow').argParser(
    wholeNumber('--require-runs', 0),
  ),
  new Option('--require-days <number>', 'on how many days').argParser(wholeNumber('--require-days', 0)),
  new Option('--require-agreement <share>', 'in which share of them a person did the same, such as 95%').argParser(
    parseShare,
  ),
];

function parseAccounts(text: string): string[] {
  const accounts = text.split(',');
  for (const account of accounts) {
    const problem = idProblem(account);
    if (problem !== null) throw invalid(`${quoteId(account)} is not the id of an account: it ${problem}.`);
  }
  return [...new Set(accounts)];
}

function parsePercentage(text: string): number {
  const value = /^\d{1,2}%?$/.test(text) ? Number.parseInt(text, 10) : 0;
  if (value < 1)
    throw invalid(`--percentage is a whole number from 1 to 99, not ${quoteId(text)}. For everyone: leave it out.`);
  return value;
}

function parseShare(text: string): number {
  const [, digits = '', percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const share = digits === '' ? Number.NaN : percent === '%' ? Number(digits) / 100 : Number(digits);
  if (!(share <= 1))
    throw invalid(`--require-agreement is a share up to 100%, such as 95% or 0.95, not ${quoteId(text)}.`);
  return share;
}

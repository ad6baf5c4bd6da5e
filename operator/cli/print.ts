import { isKillSwitchError, messageOf, shownId } from '../../flags/index.ts';
import { isChangePendingError, RefusedError } from '../refusals.ts';
import { withReach } from './advice.ts';
import { type Answer, EXIT, type ExitCode, type Lines } from './command.ts';
import { CommandError } from './command-error.ts';
import { type Entered, wordsOf } from './error-words.ts';
import { cleared, type Io } from './io.ts';
import { toJson, withoutCredentials } from './output.ts';
import { written } from './text.ts';
import type { Where } from './where.ts';

type Printer = Pick<Io, 'out' | 'err' | 'watched' | 'screen'>;

/**
 * Prints the answer of a verb.
 * @param warnings added to the value in JSON; null: print text, not JSON
 * @throws CommandError NOT_PRINTED
 */
export async function print(
  result: Answer | Lines,
  { warnings, where }: { readonly warnings: readonly string[] | null; readonly where: Where },
  io: Printer,
): Promise<ExitCode> {
  const json = warnings !== null;
  if (io.watched) io.err(cleared(io));
  if ('lines' in result) {
    for await (const { value, text } of result.lines) {
      if (result.beside && !json) io.err(`${forPeople(withReach(text, where.reach))}\n`);
      else if (!(await write(io, `${result.exact ? text : json ? toJson(value) : forPeople(text)}\n`))) break;
    }
    return EXIT.done;
  }
  const text = json ? toJson(withWarnings(result.value, warnings), 2) : people(result, io);
  if (text !== '') await write(io, `${text}\n`, result.recorded);
  if (!json && io.screen === null) remark(result.remarks?.after, io);
  return result.exitCode ?? EXIT.done;
}

/** @throws CommandError NOT_PRINTED */
export async function write(io: Pick<Io, 'out'>, text: string, recorded?: string): Promise<boolean> {
  try {
    return await io.out(text);
  } catch (error) {
    const stands = recorded === undefined ? '' : `${recorded} But `;
    const what = `${stands === '' ? 'The' : 'the'} answer could not be written whole: ${messageOf(error)}.`;
    throw new CommandError('NOT_PRINTED', `${stands}${what}`, { cause: error });
  }
}

const withWarnings = (value: unknown, warnings: readonly string[]): unknown =>
  warnings.length > 0 && typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { ...value, warnings }
    : value;

/** The text of an answer: on a terminal with its remarks, elsewhere without, which then go to stderr. */
function people({ text, remarks }: Answer, io: Printer): string {
  const { before = [], after = [] } = remarks ?? {};
  const whole = written(text, io.screen?.colours === true);
  if (io.screen !== null)
    return [...before.map(forPeople), whole, ...after.map(forPeople)].filter((part) => part !== '').join('\n');
  remark(before, io);
  return whole;
}

const remark = (lines: readonly string[] = [], io: Printer): void => {
  for (const line of lines) io.err(`${forPeople(line)}\n`);
};

/** Escapes what could control a terminal in each line, in case a verb has forgotten to. */
const forPeople = (text: Answer['text']): string => written(text, false);

/** The codes of what would fail with any store: what was mistyped, and what is not installed. */
const WITH_ANY_STORE: readonly string[] = ['INVALID_ARGUMENT', 'MISSING_PACKAGE'];

/** Adds the store in which something was tried, where the text does not name it: a wrong one is seen then. */
function located(text: string, error: unknown, { acted }: Where): string {
  const isOfAny = isKillSwitchError(error) && WITH_ANY_STORE.includes(error.code) && !(error instanceof RefusedError);
  if (acted === null || isOfAny || text.includes(acted.location)) return text;
  return `${text}\nStore: ${acted.location}, organization ${shownId(acted.organizationId)}`;
}

/** Prints an error on stderr, and with `--json` on stdout too. Never rejects. */
export async function printError(
  error: unknown,
  { json, where }: { readonly json: boolean; readonly where: Where },
  io: Printer & Entered,
): Promise<ExitCode> {
  const code = isKillSwitchError(error) || error instanceof CommandError ? error.code : 'INTERNAL';
  const detail = withoutCredentials(located(withReach(wordsOf(error, io), where.reach), error, where));
  const value = isChangePendingError(error) ? { pending: error.pending } : { detail, code };
  // Where stdout cannot be written, stderr still says it.
  if (json && code !== 'NOT_PRINTED') await io.out(`${toJson(value)}\n`).catch(() => false);
  io.err(`${cleared(io)}${forPeople(detail)}\n`);
  if (code === 'INTERRUPTED') return EXIT.interrupted;
  if (code === 'PENDING') return EXIT.pending;
  return code === 'INVALID_ARGUMENT' ? EXIT.usage : EXIT.failed;
}

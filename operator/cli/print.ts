import { isKillSwitchError, messageOf, printable } from '../../flags/index.ts';
import { isChangePendingError, RefusedError, refusalText } from '../refusals.ts';
import { type Typed, withReach } from './advice.ts';
import { type Answer, EXIT, type ExitCode, type Lines } from './command.ts';
import { CommandError } from './command-error.ts';
import type { Io } from './io.ts';
import { toJson, withoutCredentials } from './output.ts';

type Printer = Pick<Io, 'out' | 'err' | 'watched'>;

/**
 * Prints the answer of a verb.
 * @param warnings added to the value in JSON; null: print text, not JSON
 * @throws CommandError NOT_PRINTED
 */
export async function print(
  result: Answer | Lines,
  { warnings, typed }: { readonly warnings: readonly string[] | null; readonly typed: Typed },
  io: Printer,
): Promise<ExitCode> {
  const json = warnings !== null;
  if ('lines' in result) {
    for await (const { value, text } of result.lines) {
      if (result.beside && !json) io.err(`${forPeople(withReach(text, typed))}\n`);
      else if (!(await write(io, `${json ? toJson(value) : forPeople(text)}\n`))) break;
    }
    return EXIT.done;
  }
  if (io.watched) io.err('\r\u001b[K');
  const text = json ? toJson(withWarnings(result.value, warnings), 2) : forPeople(result.text);
  await write(io, `${text}\n`, result.recorded);
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

/** Escapes what could control a terminal in each line, in case a verb has forgotten to. */
const forPeople = (text: string): string => text.split('\n').map(printable).join('\n');

/** The text of an error. A refusal is put into words for somebody who types commands. */
const wordsOf = (error: unknown): string =>
  error instanceof RefusedError ? refusalText(error.refusal, 'command') : messageOf(error);

/** Prints an error on stderr, and with `--json` on stdout too. Never rejects. */
export async function printError(
  error: unknown,
  { json, typed }: { readonly json: boolean; readonly typed: Typed },
  io: Printer,
): Promise<ExitCode> {
  const code = isKillSwitchError(error) || error instanceof CommandError ? error.code : 'INTERNAL';
  const detail = withoutCredentials(withReach(wordsOf(error), typed));
  const value = isChangePendingError(error) ? { pending: error.request } : { detail, code };
  // Where stdout cannot be written, stderr still says it.
  if (json && code !== 'NOT_PRINTED') await io.out(`${toJson(value)}\n`).catch(() => false);
  io.err(`${io.watched ? '\r\u001b[K' : ''}${forPeople(detail)}\n`);
  if (code === 'INTERRUPTED') return EXIT.interrupted;
  if (code === 'PENDING') return EXIT.pending;
  return code === 'INVALID_ARGUMENT' ? EXIT.usage : EXIT.failed;
}

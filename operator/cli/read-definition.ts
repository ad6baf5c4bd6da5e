import { systemCode } from '../../flags/errors.ts';
import { isKillSwitchError, messageOf, printable } from '../../flags/index.ts';
import { readRegular } from '../read-regular.ts';
import { CommandError } from './command-error.ts';
import { parseExactJson } from './exact-json.ts';

/** The text of a file that was named on the command line. @throws CommandError FILE_UNREADABLE */
export async function readText(path: string): Promise<string> {
  const file = printable(path);
  let bytes: Buffer;
  try {
    ({ bytes } = await readRegular(path));
  } catch (error) {
    const why = WHY[systemCode(error) ?? ''] ?? `cannot be read: ${messageOf(error)}`;
    throw new CommandError('FILE_UNREADABLE', `The file ${file} ${why}.`, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new CommandError('FILE_UNREADABLE', `The file ${file} is not UTF-8 text: save it as UTF-8.`, {
      cause: error,
    });
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder',
  EACCES: 'may not be read by this user',
};

/** The JSON of a file. @throws CommandError FILE_UNREADABLE, INVALID_DEFINITION */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return parseExactJson(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!isKillSwitchError(error)) throw error;
    throw new CommandError('INVALID_DEFINITION', `The file ${printable(path)} is not taken: ${error.message}.`, {
      cause: error,
    });
  }
}

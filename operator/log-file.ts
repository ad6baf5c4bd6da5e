import { KillSwitchError, type LogEvent, messageOf, readEvent } from '../flags/index.ts';
import { openFile, type OpenedFile } from '../store/file/opened-file.ts';
import { readLines } from '../store/file/read-lines.ts';
import { HEADER, headerSchema } from './head-signature.ts';

/** The lines of a signed export that come after its events. */
const BEHIND = 2;

/** The events of an export, read as they are asked for. */
export interface LogFile {
  readonly isSigned: boolean;
  /** @throws KillSwitchError CORRUPT at the first line that is not an event as it was hashed */
  readonly events: AsyncGenerator<LogEvent>;
  /** The lines behind the events of a signed export, once those have been read. */
  readonly behind: readonly string[];
  close(): void;
}

/**
 * Opens an export, signed or not; null where its first line is that of neither.
 * @throws Error that says why the file cannot be read, with the system's `code` where there is one
 */
export async function openLogFile(path: string): Promise<LogFile | null> {
  const file = openFile(path);
  if (!file) throw Object.assign(new Error('it is not there'), { code: 'ENOENT' });
  const behind: string[] = [];
  try {
    const lines = textLines(file);
    const first = await lines.next();
    const is = first.done ? null : kindOf(first.value);
    if (first.done || is === null) {
      file.close();
      return null;
    }
    const isSigned = is === 'signed';
    const events = isSigned ? heldBack(lines, behind) : withFirst(first.value, lines);
    return { isSigned, events: eventsIn(events), behind, close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

function kindOf(line: string): 'signed' | 'plain' | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const header = headerSchema.safeParse(value);
  if (header.success && header.data.version !== 1)
    throw new Error(`it has the format ${header.data.version}, which only a newer version of kill-switch knows`);
  // The signature does not cover this line, so any other text in it would pass as signed.
  if (header.success && line !== HEADER)
    throw new Error('its first line was edited: take the file as it was exported, or export it again');
  if (header.success) return 'signed';
  const isEvent = typeof value === 'object' && value !== null && 'seq' in value && 'prev' in value && 'hash' in value;
  return isEvent ? 'plain' : null;
}

async function* textLines(file: OpenedFile): AsyncGenerator<string> {
  let end = 0;
  for await (const lines of readLines(file, 0))
    for (const { bytes, start } of lines) {
      end = start + bytes.length + 1;
      yield bytes.toString('utf8');
    }
  if (end > 0 && end < Number(file.stats().size))
    throw new KillSwitchError('CORRUPT', 'It ends in the middle of a line: it was cut off.');
}

async function* withFirst(first: string, lines: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first;
  yield* lines;
}

/** All lines but the last ones, which are put into `behind`. */
async function* heldBack(lines: AsyncGenerator<string>, behind: string[]): AsyncGenerator<string> {
  for await (const line of lines) {
    behind.push(line);
    const next = behind.length > BEHIND ? behind.shift() : undefined;
    if (next !== undefined) yield next;
  }
}

async function* eventsIn(lines: AsyncGenerator<string>): AsyncGenerator<LogEvent> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    try {
      yield readEvent(line);
    } catch (error) {
      throw new KillSwitchError('CORRUPT', `Its event ${number} is not what was hashed. ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { KillSwitchError } from '../../flags/index.ts';
import { errnoOf } from './file-errors.ts';

/** One line without its end; `start` is where it is in the file. The bytes are good until the next lines are asked for. */
export interface Line {
  readonly start: number;
  readonly bytes: Buffer;
}

const CHUNK = 256 * 1024;

/** A line longer than this many bytes is not an event: neither written nor read. */
export const LONGEST_LINE = 16 * 1024 * 1024;

const END = 0x0a;

/** A file for reading, or null when there is none. Never waits, as a pipe in its place would make it. @throws KillSwitchError CORRUPT */
export async function openFile(path: string): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  throw new KillSwitchError('CORRUPT', 'It is not a file but something else.');
}

/** The complete lines from `from` on, some at a time, so that a long log neither fills the memory nor holds up the event loop. A line that has no end yet is not there yet. */
export async function* readLines(file: FileHandle, from: number): AsyncGenerator<readonly Line[]> {
  let buffer = Buffer.allocUnsafe(CHUNK);
  let held = 0;
  let offset = from;
  for (;;) {
    const { bytesRead } = await file.read(buffer, held, buffer.length - held, offset + held);
    if (bytesRead === 0) return;
    held += bytesRead;
    const lines: Line[] = [];
    let start = 0;
    for (let end = buffer.indexOf(END); end >= 0 && end < held; end = buffer.indexOf(END, start)) {
      lines.push({ start: offset + start, bytes: buffer.subarray(start, end) });
      start = end + 1;
    }
    if (lines.length > 0) yield lines;
    buffer.copyWithin(0, start, held);
    held -= start;
    offset += start;
    if (held === buffer.length) {
      if (held > LONGEST_LINE)
        throw new KillSwitchError('CORRUPT', `The line at byte ${offset} is too long for an event.`);
      buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    }
  }
}

import { KillSwitchError } from '../../flags/index.ts';
import type { OpenedFile } from './opened-file.ts';

/**
 * One line without its end; `start` is its offset in the file. The bytes are valid until the next lines are asked for.
 */
export interface Line {
  readonly start: number;
  readonly bytes: Buffer;
}

const CHUNK = 256 * 1024;

/** The longest line of a log, in bytes; a longer one is neither written nor read. */
export const LONGEST_LINE = 16 * 1024 * 1024;

const END = 0x0a;

/**
 * The complete lines from `from` on that are there now, in portions, so that a long log neither fills the memory nor
 * holds up the event loop. A line without its end does not count yet.
 */
export async function* readLines(file: OpenedFile, from: number): AsyncGenerator<readonly Line[]> {
  const to = Number(file.stats().size);
  let buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, to - from)));
  let held = 0;
  let offset = from;
  while (offset + held < to) {
    const bytes = await file.read(buffer, held, offset + held);
    if (bytes === 0) return;
    held += bytes;
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

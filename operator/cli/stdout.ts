import { systemCode } from '../../flags/errors.ts';
import { fstatSync, writeSync } from 'node:fs';

/**
 * Writes to stdout: true once a text is written, false where nobody reads any more (`kill-switch log | head`), which is
 * no failure. Files are written here and not by Node's stream, which takes a short write (on a disk that is nearly
 * full) for a whole one.
 * @returns a function that rejects where the text could not be written
 */
export function stdoutWriter(): (text: string) => Promise<boolean> {
  const { stdout } = process;
  let gone = false;
  stdout.on('error', () => {}); // the callback of write() gets it
  const isFile = !stdout.isTTY && isFileLike();
  return async (text) => {
    if (gone) return false;
    try {
      if (isFile) writeAll(Buffer.from(text));
      else
        await new Promise<void>((resolve, reject) =>
          stdout.write(text, (error) => (error ? reject(error) : resolve())),
        );
      return true;
    } catch (error) {
      gone = systemCode(error) === 'EPIPE';
      if (gone) return false;
      throw error;
    }
  };
}

/** True for a file, or a device that is written like one (`/dev/full`). */
function isFileLike(): boolean {
  try {
    // As numbers, what is said of a pipe makes Node 20.20 take the next linked package for its link (pnpm's are links).
    const stats = fstatSync(process.stdout.fd, { bigint: true });
    return stats.isFile() || stats.isCharacterDevice();
  } catch {
    return false;
  }
}

function writeAll(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(process.stdout.fd, bytes, at);
}

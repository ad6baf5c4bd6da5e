import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** The longest definition that is read, in bytes: a million kills have room in it. */
const LARGEST_DEFINITION = 256 * 1024 * 1024;

/**
 * The bytes and the stats of a regular file. Nothing else is opened: reading a pipe could wait for ever, and a device
 * has no end.
 * @throws Error that says what is wrong, with the system's `code` where there is one
 */
export async function readRegular(
  path: string,
  largest = LARGEST_DEFINITION,
): Promise<{ readonly bytes: Buffer; readonly stats: Stats }> {
  check(await stat(path), largest); // opening a device can do something
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    check(stats, largest);
    return { bytes: await handle.readFile(), stats };
  } finally {
    await handle.close();
  }
}

function check(stats: Stats, largest: number): void {
  if (stats.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
  if (!stats.isFile()) throw new Error('it is no regular file');
  if (stats.size > largest) throw new Error(`it has ${stats.size} bytes, more than the ${largest} that are read`);
}

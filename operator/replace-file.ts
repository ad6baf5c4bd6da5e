import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a file as a whole: readers see the old text or the new one. What it returns after is on the disk.
 * The new file is always dated later than the old one, because flagd notices a change only by that.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx');
  try {
    await fill(handle, text, await dateOf(file));
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // it may be gone already; the first error is the one that counts
    throw error;
  }
}

async function fill(handle: FileHandle, text: string, olderMs: number): Promise<void> {
  try {
    await handle.writeFile(text);
    const { mtimeMs } = await handle.stat();
    // The kernel's clock is coarse, and it can be set back.
    const laterMs = olderMs + 2;
    if (mtimeMs < laterMs) await handle.utimes(laterMs / 1000, laterMs / 1000);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** 0 when there is none yet. */
async function dateOf(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

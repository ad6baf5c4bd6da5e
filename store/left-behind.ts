import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A temporary file that is this much older than one written just now, in milliseconds, was left by a process that died:
 * writing takes milliseconds.
 */
const LEFT_BEHIND_MS = 60_000;

/**
 * Removes temporary files that killed processes left beside one that was written just now. A writer that was merely
 * held up for so long fails at its rename, and writes anew. Never throws.
 */
export function removeLeftBehind(temporary: string, isOurs: (name: string) => boolean): void {
  try {
    const folder = dirname(temporary);
    const now = lstatSync(temporary).mtimeMs; // by the same clock as the other files' times
    for (const name of readdirSync(folder).filter(isOurs)) {
      const path = join(folder, name);
      if (now - lstatSync(path).mtimeMs > LEFT_BEHIND_MS) removeIfThere(path);
    }
  } catch {
    // Another process tidies up at the same time, or this one has no permission: the files do no harm.
  }
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It may never have been there.
  }
}

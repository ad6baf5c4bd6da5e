import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A temporary file this much older than one that was written just now belongs to a process that has died: writing takes
 * milliseconds.
 */
const LEFT_BEHIND_MS = 60_000;

/**
 * Removes what killed processes have left beside a temporary file that was written just now. A writer that was merely
 * held up for so long learns it from its rename, and writes anew. Never throws.
 */
export function removeLeftBehind(temporary: string, isOurs: (name: string) => boolean): void {
  try {
    const folder = dirname(temporary);
    const now = lstatSync(temporary).mtimeMs; // by the clock that has dated the others
    for (const name of readdirSync(folder).filter(isOurs)) {
      const path = join(folder, name);
      if (now - lstatSync(path).mtimeMs > LEFT_BEHIND_MS) removeIfThere(path);
    }
  } catch {
    // Another one tidies at the same time, or may not: they hurt nobody.
  }
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It may never have been there.
  }
}

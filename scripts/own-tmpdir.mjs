// A temporary folder of a run's own, by which is seen what the run leaves behind.
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What Node and knip keep for their next start. */
const KEPT = ['node-compile-cache', 'jiti'];

/**
 * Makes a folder in the system's temporary one, and has this process and what it starts put everything there. It goes
 * when this process exits. Its name is short: the path of a socket may have 104 bytes.
 * @returns {string} its path
 */
export function ownTmpdir() {
  const folder = mkdtempSync(join(tmpdir(), 'ks-'));
  chmodSync(folder, 0o1777); // as the system's own: some tests act as another user
  process.env.TMPDIR = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The names of what is still there.
 * @param {string} folder */
export function leftIn(folder) {
  return readdirSync(folder).filter((name) => !KEPT.includes(name));
}

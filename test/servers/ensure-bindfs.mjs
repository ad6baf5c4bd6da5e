// Finds bindfs, which mounts a folder through FUSE under any name, and installs it where that takes no question: as
// root, with apt.
import { spawnSync } from 'node:child_process';
import { findCommand } from './find-command.mjs';

/** Its path, or undefined after a line that says why there is none: then only the tests of FUSE are left out.
 * @returns {string | undefined} */
export function ensureBindfs() {
  const found = findCommand('bindfs');
  if (found) return found;
  if (process.getuid?.() === 0 && findCommand('apt-get')) {
    console.log('bindfs: apt-get install bindfs …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'bindfs', 'fuse3']])
      spawnSync('apt-get', ['-qq', ...args], { env });
  }
  const installed = findCommand('bindfs');
  if (!installed) console.log('bindfs: none, so no file system of FUSE is tried.');
  return installed;
}

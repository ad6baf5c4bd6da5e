// Finds the shells in which completion is tried, and installs those that are missing where that takes no question: as
// root, with apt.
import { spawnSync } from 'node:child_process';
import { findCommand, unavailable } from './find-command.mjs';

/** @typedef {{ readonly bash: string; readonly zsh: string; readonly fish: string }} ShellPaths */

/** Their paths; empty text after a line that says why there is none, and with `CI=true` that throws.
 * @returns {ShellPaths} */
export function ensureShells() {
  const missing = ['bash', 'zsh', 'fish'].filter((name) => !findCommand(name));
  if (missing.length > 0 && process.getuid?.() === 0 && findCommand('apt-get')) {
    console.log(`shells: apt-get install ${missing.join(' ')} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]])
      spawnSync('apt-get', ['-qq', ...args], { env });
  }
  /** @param {string} name */
  const path = (name) =>
    findCommand(name) ?? unavailable(name, `Install it, for instance with \`sudo apt-get install ${name}\`.`) ?? '';
  return { bash: path('bash'), zsh: path('zsh'), fish: path('fish') };
}

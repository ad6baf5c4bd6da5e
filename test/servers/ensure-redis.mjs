// Finds a redis-server for the tests, and installs one where that takes no question: as root, with apt.
import { spawnSync } from 'node:child_process';
import { findCommand, unavailable } from './find-command.mjs';

/** The path of a redis-server, or undefined after a line that says why there is none; with `CI=true` that throws.
 * @returns {string | undefined} */
export function ensureRedis() {
  const found = findCommand('redis-server');
  if (found) return found;
  if (process.getuid?.() !== 0 || !findCommand('apt-get'))
    return unavailable(
      'redis',
      'No redis-server in PATH: install it, for instance with `sudo apt-get install redis-server`.',
    );
  console.log('redis: apt-get install redis-server …');
  // Runlevel 1 keeps the package from starting its own service on port 6379.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  /** @param {readonly string[]} args */
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
  apt('update');
  const { status, stderr } = apt('install', '-y', '--no-install-recommends', 'redis-server');
  return (
    findCommand('redis-server') ??
    unavailable('redis', `apt-get install redis-server ended with code ${status}: ${stderr?.trim().split('\n').at(-1)}`)
  );
}

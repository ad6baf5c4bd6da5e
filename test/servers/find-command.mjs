import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { StepFailed } from '../../scripts/prepare.mjs';

/** The path of a command: the absolute path of a runnable file, or undefined.
 * @param {string} name a name that is looked up in PATH
 * @returns {string | undefined} */
export function findCommand(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(join(folder, name)))
    .find(isRunnable);
}

/** @param {string} path */
export function isRunnable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Says in one line that a server cannot be had: its tests are skipped, or with `CI=true` the run fails here.
 * @param {string} name
 * @param {string} reason what was tried and what to do
 * @returns {undefined} */
export function unavailable(name, reason) {
  if (process.env.CI === 'true')
    throw new StepFailed(`${name}: not available, and CI=true allows no skipped server. ${reason}`);
  console.log(`${name}: not available, its tests are skipped. ${reason}`);
  return undefined;
}

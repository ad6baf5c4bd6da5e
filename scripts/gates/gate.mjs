// What a gate is. Each looks at a folder that plays the repository: the real one, and one with a planted failure.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../prepare.mjs';

/** What a gate found in one folder.
 * @typedef {object} Finding
 * @property {number} checked how many things it looked at; 0 is a failure, for then it proved nothing
 * @property {string[]} problems one text each */

/** @typedef {object} Gate
 * @property {string} name
 * @property {string} unit what is counted
 * @property {boolean} [needsBuild] it looks at dist/
 * @property {(folder: string) => Finding | Promise<Finding>} check
 * @property {Record<string, string>} planted files with something wrong, by path
 * @property {RegExp[]} caught each is found in a problem of the planted folder */

/** @type {Set<string>} */
const folders = new Set();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Lends a folder, two levels below the root, that is removed afterwards.
 * @template T
 * @param {string} name
 * @param {(folder: string) => Promise<T>} use
 * @returns {Promise<T>} */
export async function withFolder(name, use) {
  mkdirSync(join(root, '.gate'), { recursive: true });
  const folder = mkdtempSync(join(root, '.gate', `${name}-`));
  folders.add(folder);
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

/** @typedef {{ code: number | null, stdout: string, stderr: string }} Ended */

/** Runs a tool that is installed here, without a terminal.
 * @param {string} folder where it runs
 * @param {string} file of the tool, below node_modules
 * @param {readonly string[]} args */
export function runTool(folder, file, args) {
  return runNode(folder, [`${root}/node_modules/${file}`, ...args]);
}

/** @param {string} folder
 * @param {readonly string[]} args */
export function runNode(folder, args) {
  return run(folder, process.execPath, args);
}

/** Runs a command to its end, or for five minutes: a busy machine is no failure.
 * @param {string} folder where it runs
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<Ended>} `code` is null when it took longer */
export function run(folder, command, args) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

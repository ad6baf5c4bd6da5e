// Finds a flagd for the tests: FLAGD_BIN, else PATH, else built once from the recipe in flagd/ and kept outside the
// tree.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand, isRunnable, unavailable } from './find-command.mjs';

const recipe = join(dirname(fileURLToPath(import.meta.url)), 'flagd');

/** The path of a flagd, or undefined after a line that says why there is none; with `CI=true` that throws.
 * @returns {Promise<string | undefined>} */
export async function ensureFlagd() {
  const given = process.env.FLAGD_BIN;
  if (given) return isRunnable(given) ? given : unavailable('flagd', `FLAGD_BIN=${given} is not a runnable file.`);
  const found = findCommand('flagd') ?? [cached()].find(isRunnable);
  if (found) return found;
  if (!findCommand('go')) return unavailable('flagd', 'Set FLAGD_BIN, put flagd in PATH, or install Go to build it.');
  return (await buildFlagd(cached())) ? cached() : unavailable('flagd', 'The build failed, see above.');
}

/** The folder is named by what the build depends on, so that a changed recipe is built anew. */
function cached() {
  const hash = createHash('sha256');
  for (const path of recipeFiles())
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(recipe, path)))
      .update('\0');
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'openfeature-kill-switch', `flagd-${hash.digest('hex').slice(0, 16)}`, 'flagd');
}

/** @returns {string[]} */
function recipeFiles() {
  return readdirSync(recipe, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(mod|sum|go)$/.test(path))
    .sort();
}

/** @param {string} target */
async function buildFlagd(target) {
  const started = performance.now();
  const temporary = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  console.log('flagd: building v0.16.0 with go, once (some minutes) …');
  const args = ['build', '-v', '-trimpath', '-ldflags', '-s -w -X main.version=v0.16.0', '-o', temporary];
  const go = spawn('go', [...args, 'github.com/open-feature/flagd/flagd'], {
    cwd: recipe,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lines = 0;
  let last = '';
  go.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    lines += text.split('\n').length - 1;
    last = text.trim() || last;
  });
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
  const progress = setInterval(() => console.log(`flagd: ${seconds()}, ${lines} downloads and packages done`), 15_000);
  try {
    const code = await new Promise((resolve, reject) => go.on('error', reject).on('exit', resolve));
    if (code !== 0) {
      console.error(last);
      return false;
    }
    renameSync(temporary, target); // another build may have put the same file there meanwhile
    console.log(`flagd: built in ${seconds()}`);
    return true;
  } finally {
    clearInterval(progress);
    rmSync(temporary, { force: true });
  }
}

// What every script needs first: dependencies and a current dist/. Plain node, since nothing may be installed yet.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const BUILD_INFO = 'dist/.tsbuildinfo';

/** A step that has said itself what is wrong: its message is shown, without a stack. */
export class StepFailed extends Error {}

/** For scripts: a step that failed ends the process with its message and code 1. */
export function showFailuresPlainly() {
  process.on('uncaughtException', (error) => {
    console.error(error instanceof StepFailed ? error.message : error);
    process.exit(1);
  });
}

/** @param {string} path from the root */
export function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/** Paths, from `folder`, of all files below it with one of these endings, without what is generated or installed.
 * @param {string} folder
 * @param {readonly string[]} endings for instance `['.ts']`
 * @param {string} [under] only this part of the folder
 * @returns {string[]} */
export function filesBelow(folder, endings, under = '') {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const path = join(under, entry.name);
    if (entry.isFile()) return endings.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
    const isGenerated = /^(\..*|node_modules|dist(-.*)?)$/.test(entry.name);
    return entry.isDirectory() && !isGenerated ? filesBelow(folder, endings, path) : [];
  });
}

/** Installs what the lockfile names, unless node_modules already holds exactly that. */
export function ensureInstalled() {
  if (isInstalled()) return;
  const seconds = stopwatch();
  console.log('install: npm install …');
  // Not `npm ci`: that refuses a lockfile without the optional packages of other platforms, which some registries lack.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  console.log(`install: done in ${seconds()} s`);
}

function isInstalled() {
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const { packages } = JSON.parse(readFileSync(installed, 'utf8'));
  /** @type {Record<string, { version: string, optional?: boolean }>} */
  const wanted = readJson('package-lock.json').packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || (packages[path]?.version ?? (entry.optional && entry.version)) === entry.version,
  );
}

/** Brings dist/ up to date; with an error in a source, the last good one stays as it is.
 * @param {readonly '--force'[]} options `--force` compiles also what is not known to have changed */
export function build(...options) {
  const seconds = stopwatch();
  const before = lastBuild();
  run(process.execPath, ['node_modules/typescript/bin/tsc', '--build', 'tsconfig.build.json', ...options]);
  removeStale();
  for (const path of Object.values(readJson('package.json').bin))
    if (existsSync(join(root, path))) chmodSync(join(root, path), 0o755);
  if (lastBuild() !== before) console.log(`build: dist/ in ${seconds()} s`);
}

/**
 * When the compiler last wrote what it knows of dist/. It lies in there, so that whoever removes dist/ gets a new one.
 */
function lastBuild() {
  return statSync(join(root, BUILD_INFO), { throwIfNoEntry: false })?.mtimeMs;
}

/** The compiler leaves what it made of a source that is gone. */
function removeStale() {
  for (const path of filesBelow(root, [''], 'dist'))
    if (path !== BUILD_INFO && !sourceOf(path)) rmSync(join(root, path));
}

/** The source from which the compiler makes a file in dist/, if there is one.
 * @param {string} path of the file, from the root
 * @returns {string | undefined} its path from the root */
export function sourceOf(path) {
  const source = path.replace(/^dist\//, '').replace(/(\.d\.ts|\.js)$/, '.ts');
  /** @type {string[]} */
  const compiled = readJson('tsconfig.build.json').include;
  const isCompiled = compiled.some((part) => source === part || source.startsWith(`${part}/`));
  return isCompiled && source.endsWith('.ts') && existsSync(join(root, source)) ? source : undefined;
}

/** Runs a command at the root with its output shown; throws a StepFailed when it fails.
 * @param {string} command
 * @param {readonly string[]} args */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new StepFailed(`${[command, ...args].join(' ')} ended with code ${status}.`);
}

/** @returns {() => string} the seconds since this call, with one decimal */
export function stopwatch() {
  const started = performance.now();
  return () => ((performance.now() - started) / 1000).toFixed(1);
}

// What every script needs first: dependencies and a current dist/. Plain node, since nothing may be installed yet.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folders that are compiled into dist/; those that do not exist are passed over, as the compiler does. */
/** @type {() => string[]} */
const sources = () => readJson('tsconfig.build.json').include;
/** Files that the code reads at run time and the compiler leaves behind. */
const assets = ['.lua', '.html', '.css'];

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

/** Compiles when a source is newer than dist/. */
export function ensureBuilt() {
  if (!isBuilt()) build();
}

function isBuilt() {
  if (!existsSync(join(root, 'dist'))) return false;
  const built = statSync(join(root, 'dist')).mtimeMs;
  return ['package.json', 'tsconfig.json', 'tsconfig.build.json', ...sources()].every(
    (path) => newest(join(root, path)) <= built,
  );
}

/** The latest change of a file, or of anything in a folder: its own time shows a removed file.
 * @param {string} path
 * @returns {number} */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

/** Compiles; with an error in a source, the last good dist/ stays as it is. */
export function build() {
  const seconds = stopwatch();
  const started = new Date();
  const dist = join(root, 'dist');
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  for (const path of filesBelow(root, assets).filter((file) =>
    sources().some((folder) => file.startsWith(`${folder}/`)),
  ))
    cpSync(join(root, path), join(dist, path));
  for (const path of filesBelow(dist, [''])) if (statSync(join(dist, path)).mtime < started) rmSync(join(dist, path));
  for (const path of Object.values(readJson('package.json').bin))
    if (existsSync(join(root, path))) chmodSync(join(root, path), 0o755);
  utimesSync(dist, started, started); // a source saved while the compiler ran is newer
  console.log(`build: dist/ in ${seconds()} s`);
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

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { filesBelow, root, sourceOf } from '../prepare.mjs';
import { run, runNode, runTool } from './gate.mjs';
import { frontProblems, LIMIT, noise, weightProblems } from './package-front.mjs';

/** `attw` reports these even with its option for packages that are ESM only. */
const IGNORED_RESOLUTIONS = ['node10', 'node16-cjs'];

/** What `npm pack` makes works where it is installed: every entry point has its file and types and loads, the command
 * runs and says the package's version, and nothing needs an optional peer to be imported. It is no heavier than it
 * needs to be, and its page on npm leads to the repository.
 * @type {import('./gate.mjs').Gate} */
export const packageGate = {
  name: 'package',
  unit: 'entry points',
  needsBuild: true,
  async check(folder) {
    const place = mkdtempSync(join(tmpdir(), 'kill-switch-package-'));
    try {
      const { tarball, files, size } = await pack(folder, place);
      const bare = await install(tarball, join(place, 'bare'));
      const entries = Object.keys(bare.manifest.exports);
      const problems = await Promise.all([
        publintProblems(bare),
        attwProblems(tarball),
        loadProblems(bare, entries),
        commandProblems(bare),
      ]);
      return {
        checked: entries.length,
        problems: [
          ...missingFiles(bare),
          ...staleFiles(bare),
          ...problems.flat(),
          ...lockfileProblems(folder),
          ...frontProblems(folder, bare.manifest),
          ...weightProblems(files, size),
        ],
      };
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  },
  planted: {
    'package.json': JSON.stringify({
      name: 'planted',
      version: '1.0.0',
      type: 'module',
      bin: { planted: './command.js', stale: './stale.js' },
      exports: {
        '.': { types: './index.d.ts', default: './index.js' },
        './gone': './gone.js',
        './untyped': './untyped.js',
      },
    }),
    'package-lock.json': '{ "packages": { "node_modules/a": { "resolved": "https://npm.example/a.tgz" } } }',
    'README.md': '[the guard](docs/moved.md), [npm](https://www.npmjs.com), [a part](#part)',
    'index.js': "import 'ioredis';",
    'index.js.map': '{ "mappings": "" }',
    'heavy.bin': noise(LIMIT),
    'index.d.ts': 'export {};',
    'untyped.js': '',
    'dist/flags/gone.js': '',
    'command.js': '#!/usr/bin/env node\nprocess.exit(1);',
    'stale.js': '#!/usr/bin/env node\nconsole.log("0.9.0");',
  },
  caught: [
    /\.\/gone\.js, which is not in the package/,
    /dist\/flags\/gone\.js is in the package, but nothing here compiles to it/,
    /publint: .*gone/,
    /attw: .*untyped/i,
    /^\. does not load: .*ioredis/,
    /planted --help ended with code 1/,
    /stale --version says 0\.9\.0, but package\.json 1\.0\.0/,
    /package-lock\.json names a host/,
    /package\.json has no repository/,
    /README\.md leads to docs\/moved\.md, which is not in the repository/,
    /index\.js\.map is in the package/,
    /The package has \d+ kB, and may have 1400/,
  ],
};

/** @typedef {{ folder: string, manifest: any }} Installed `folder`: of the unpacked package */

/** @param {string} folder
 * @param {string} place where the archive goes
 * @returns {Promise<{ tarball: string, files: readonly string[], size: number }>} its path, what is in it, its bytes */
export async function pack(folder, place) {
  const { stdout, stderr } = await run(folder, 'npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    place,
  ]);
  if (!stdout.includes('[')) throw new Error(`npm pack failed: ${stderr}`);
  /** @type {{ filename: string, size: number, files: { path: string }[] }} */
  const { filename, size, files } = JSON.parse(stdout.slice(stdout.indexOf('[')))[0];
  return { tarball: join(place, filename), files: files.map(({ path }) => path), size };
}

/** Unpacks the archive into `place`/node_modules, beside its dependencies and required peers only.
 * @param {string} tarball
 * @param {string} place
 * @returns {Promise<Installed>} */
export async function install(tarball, place) {
  const unpacked = join(place, 'unpacked');
  mkdirSync(unpacked, { recursive: true });
  await run(unpacked, 'tar', ['-xzf', tarball]);
  const manifest = JSON.parse(readFileSync(join(unpacked, 'package/package.json'), 'utf8'));
  const required = Object.keys(manifest.peerDependencies ?? {}).filter(
    (name) => !manifest.peerDependenciesMeta?.[name]?.optional,
  );
  const folder = join(place, 'node_modules', manifest.name);
  mkdirSync(dirname(folder), { recursive: true });
  await run(place, 'mv', ['unpacked/package', folder]);
  for (const name of [...Object.keys(manifest.dependencies ?? {}), ...required]) {
    const link = join(place, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  return { folder, manifest };
}

/** @param {Installed} installed */
async function publintProblems({ folder, manifest }) {
  const { messages } = await publint({ pkgDir: folder, pack: false, level: 'warning' });
  return messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`);
}

/** @param {string} tarball */
async function attwProblems(tarball) {
  const args = [tarball, '--profile', 'esm-only', '--no-definitely-typed', '--format', 'json'];
  const { stdout, stderr } = await runTool(dirname(tarball), '@arethetypeswrong/cli/dist/index.js', args);
  if (!stdout.startsWith('{')) return [`attw: ${stdout}${stderr}`];
  /** @type {{ kind: string, entrypoint?: string, resolutionKind?: string }[]} */
  const problems = JSON.parse(stdout).analysis.problems;
  return problems
    .filter(
      ({ entrypoint = '', resolutionKind = '' }) =>
        !entrypoint.endsWith('.json') && !IGNORED_RESOLUTIONS.includes(resolutionKind),
    )
    .map(({ kind, entrypoint, resolutionKind }) => `attw: ${kind} of ${entrypoint} (${resolutionKind})`);
}

/** @param {Installed} installed */
function missingFiles({ folder, manifest }) {
  return Object.entries(manifest.exports).flatMap(([entry, target]) =>
    Object.values(typeof target === 'string' ? { target } : target)
      .filter((path) => !existsSync(join(folder, path)))
      .map((path) => `${entry} leads to ${path}, which is not in the package.`),
  );
}

/** What the compiler left in dist/ when its source went.
 * @param {Installed} installed */
function staleFiles({ folder }) {
  if (!existsSync(join(folder, 'dist'))) return [];
  return filesBelow(folder, [''], 'dist')
    .filter((path) => !sourceOf(path))
    .map((path) => `${path} is in the package, but nothing here compiles to it.`);
}

/** Imports each entry point in one process, which must then end by itself: nothing may start at import.
 * @param {Installed} installed
 * @param {readonly string[]} entries */
async function loadProblems({ folder, manifest }, entries) {
  const specifiers = entries
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => [entry, manifest.name + entry.slice(1)]);
  const script = `
    const failed = [];
    for (const [entry, specifier] of ${JSON.stringify(specifiers)}) {
      await import(specifier).catch((error) => failed.push(entry + ' does not load: ' + error.message));
    }
    console.log(JSON.stringify(failed));`;
  const { code, stdout, stderr } = await runNode(dirname(folder), ['--input-type=module', '--eval', script]);
  return code === 0 ? JSON.parse(stdout) : [`Importing the entry points ended with code ${code}: ${stderr}`];
}

/** @param {Installed} installed */
async function commandProblems({ folder, manifest }) {
  const commands = Object.entries(manifest.bin ?? {}).map(async ([name, path]) => {
    const { code, stderr } = await runNode(folder, [join(folder, path), '--help']);
    if (code !== 0) return [`${name} --help ended with code ${code}: ${stderr}`];
    const { stdout } = await runNode(folder, [join(folder, path), '--version']);
    const { version } = manifest;
    return stdout.trim() === version ? [] : [`${name} --version says ${stdout.trim()}, but package.json ${version}.`];
  });
  return (await Promise.all(commands)).flat();
}

/** The lockfile works with any registry only while it names none.
 * @param {string} folder */
function lockfileProblems(folder) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const named = Object.keys(packages).filter((path) => packages[path].resolved);
  return named.map(
    (path) => `package-lock.json names a host for ${path}: npm install with the .npmrc of this repository.`,
  );
}

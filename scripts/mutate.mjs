// `npm run mutate -- flags/lease.ts [all | test …]`: changes the file in every way that Stryker knows, one at a time,
// and lists the changes that no test noticed. By default the tests of the file's own name are asked, or of its folder;
// `all` asks every unit test. What was found is kept in .mutation/, so that a second run asks only about what is new.
// It takes minutes, so it is no part of `npm test`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJson, root } from './prepare.mjs';

const [file, ...chosen] = process.argv.slice(2);
if (!file || !existsSync(join(root, file))) {
  console.error('npm run mutate -- <file> [all | test file …]');
  process.exit(2);
}

const own = `test/${file.replace(/\.ts$/, '.test.ts')}`;
const tests = chosen.length > 0 ? chosen : [existsSync(join(root, own)) ? own : `test/${dirname(file)}/*.test.ts`];
const found = `.mutation/${file.replaceAll('/', '~')}.${tests[0] === 'all' ? 'all.' : ''}json`;
const config = {
  mutate: [file],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutate.config.ts' },
  coverageAnalysis: 'perTest',
  // Tables are read when their module is loaded: passed over, the rules in them would count as tested.
  ignoreStatic: false,
  incremental: true,
  incrementalFile: found,
  tempDirName: '.mutation/sandbox',
  ignorePatterns: ['.*', 'biome.json', 'dist', 'docs', 'bench'],
  // Nothing checks types here, and Stryker cannot read a tsconfig.json with TypeScript 7, which vitest does not need.
  disableTypeChecks: false,
  tsconfigFile: '.none',
  concurrency: Number(process.env.MUTATE_WORKERS ?? 2),
  timeoutMS: 20_000,
  reporters: ['progress-append-only'],
  logLevel: 'warn',
  allowConsoleColors: false,
};
mkdirSync(join(root, '.mutation'), { recursive: true });
forgetStatic(found);
writeFileSync(join(root, '.mutation/config.json'), JSON.stringify(config));
const { status } = spawnSync(
  process.execPath,
  ['node_modules/@stryker-mutator/core/bin/stryker.js', 'run', '.mutation/config.json'],
  { cwd: root, stdio: 'inherit', env: { ...process.env, MUTATE_TESTS: tests[0] === 'all' ? '' : tests.join(' ') } },
);
if (status !== 0) process.exit(status ?? 1);

/**
 * Of a change to what a module makes when it is loaded Stryker does not know which tests it concerns: that none noticed
 * it would stay so, whatever tests are added.
 * @param {string} path from the root
 */
function forgetStatic(path) {
  if (!existsSync(join(root, path))) return;
  const kept = readJson(path);
  for (const part of Object.values(kept.files))
    part.mutants = part.mutants.filter((/** @type {Change} */ change) => !change.static || change.status === 'Killed');
  writeFileSync(join(root, path), JSON.stringify(kept));
}

/** @typedef {object} Change
 * @property {{ start: { line: number, column: number } }} location
 * @property {string} mutatorName
 * @property {string} replacement
 * @property {string} status
 * @property {boolean} [static] */

/** @type {Change[]} */
const changes = readJson(found).files[file].mutants;
const unnoticed = changes.filter((change) => ['Survived', 'NoCoverage'].includes(change.status));
for (const { location, mutatorName, replacement, status: how } of unnoticed) {
  const { line, column } = location.start;
  console.log(`${file}:${line}:${column} ${mutatorName}${how === 'NoCoverage' ? ', never run' : ''}: ${replacement}`);
}
console.log(
  `${file}: ${changes.length - unnoticed.length} of ${changes.length} changes were noticed by ${tests.join(' ')}`,
);
if (unnoticed.length > 0) process.exitCode = 1;

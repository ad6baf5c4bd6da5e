// `npm run check [gate …]`: every gate, one line each. A gate passes when it looked at something, found nothing wrong,
// and found what is wrong in a folder that was planted for it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { api } from './gates/api.mjs';
import { docs } from './gates/docs.mjs';
import { format } from './gates/format.mjs';
import { withFolder } from './gates/gate.mjs';
import { imports } from './gates/imports.mjs';
import { knip } from './gates/knip.mjs';
import { lint } from './gates/lint.mjs';
import { packageGate } from './gates/package.mjs';
import { types } from './gates/types.mjs';
import { build, ensureInstalled, root, stopwatch } from './prepare.mjs';

const gates = [format, lint, types, imports, knip, docs, api, packageGate];
const SHOWN = 40;

/** Runs the named gates, by default all, two at a time.
 * @param {readonly string[]} names
 * @returns {Promise<{ passed: number, failed: number }>} */
export async function checkAll(names) {
  const unknown = names.filter((name) => !gates.some((gate) => gate.name === name));
  if (unknown.length > 0)
    throw new Error(`No gate ${unknown.join(', ')}; there are: ${gates.map(({ name }) => name).join(', ')}.`);
  const seconds = stopwatch();
  const waiting = gates.filter(({ name }) => names.length === 0 || names.includes(name));
  const total = waiting.length;
  const isBuilt = !waiting.some(({ needsBuild }) => needsBuild) || tryBuild();
  let passed = 0;
  const work = async () => {
    for (let gate = waiting.shift(); gate; gate = waiting.shift()) if (await passes(gate, isBuilt)) passed += 1;
  };
  await Promise.all([work(), work()]);
  console.log(`gates: ${passed} of ${total} passed in ${seconds()} s`);
  return { passed, failed: total - passed };
}

function tryBuild() {
  try {
    build();
    return true;
  } catch {
    return false; // the compiler has said why
  }
}

/** @param {import('./gates/gate.mjs').Gate} gate
 * @param {boolean} isBuilt */
async function passes(gate, isBuilt) {
  const seconds = stopwatch();
  const { checked, problems } =
    isBuilt || !gate.needsBuild
      ? await finding(gate, root)
      : { checked: 0, problems: ['The build failed, see above.'] };
  if (checked === 0) problems.push(`No ${gate.unit} were checked, so nothing was proven.`);
  const planted = await findPlanted(gate);
  for (const pattern of gate.caught) {
    if (!planted.problems.some((problem) => pattern.test(problem)))
      problems.push(
        `The planted failure ${pattern} was not caught; found: ${planted.problems.join(' | ') || 'nothing'}`,
      );
  }
  const outcome =
    problems.length === 0 ? `ok, planted failures caught: ${gate.caught.length}` : `${problems.length} problems`;
  console.log(`${gate.name.padEnd(8)} ${String(checked).padStart(5)} ${gate.unit}: ${outcome} (${seconds()} s)`);
  for (const problem of problems.slice(0, SHOWN)) console.log(`  ${problem.trimEnd().replaceAll('\n', '\n  ')}`);
  if (problems.length > SHOWN) console.log(`  … and ${problems.length - SHOWN} more`);
  return problems.length === 0;
}

/** @param {import('./gates/gate.mjs').Gate} gate
 * @param {string} folder
 * @returns {Promise<import('./gates/gate.mjs').Finding>} */
async function finding(gate, folder) {
  try {
    return await gate.check(folder);
  } catch (error) {
    return { checked: 0, problems: [error instanceof Error ? error.message : String(error)] };
  }
}

/** @param {import('./gates/gate.mjs').Gate} gate */
function findPlanted(gate) {
  return withFolder(gate.name, (folder) => {
    for (const [path, text] of Object.entries(gate.planted)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return finding(gate, folder);
  });
}

if (process.argv[1] === import.meta.filename) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  ensureInstalled();
  const { failed } = await checkAll(process.argv.slice(2));
  process.exitCode = failed > 0 ? 1 : 0;
}

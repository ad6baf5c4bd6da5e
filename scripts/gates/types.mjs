import { runTool } from './gate.mjs';

/** Every file compiles, also tests, benchmarks and scripts.
 * @type {import('./gate.mjs').Gate} */
export const types = {
  name: 'types',
  unit: 'files',
  check: (folder) => typeCheck(folder),
  planted: {
    'tsconfig.json': '{ "extends": "../../tsconfig.json", "include": ["**/*.ts"], "exclude": [] }',
    'planted.ts': 'export const first: string = ["a"][0];',
  },
  caught: [/planted\.ts.*TS2322/],
};

/** Runs the compiler over a folder's tsconfig.json.
 * @param {string} folder
 * @returns {Promise<import('./gate.mjs').Finding>} */
export async function typeCheck(folder) {
  const { code, stdout, stderr } = await runTool(folder, 'typescript/bin/tsc', [
    '-p',
    '.',
    '--noEmit',
    '--incremental',
    '--tsBuildInfoFile',
    '.gate/types.tsbuildinfo',
    '--listFiles',
    '--pretty',
    'false',
  ]);
  const lines = stdout.split('\n');
  const problems = lines.filter((line) => /error TS\d+/.test(line));
  const checked = lines.filter((line) => line.startsWith(`${folder}/`) && !line.includes('/node_modules/')).length;
  return { checked, problems: code !== 0 && problems.length === 0 ? [stdout + stderr] : problems };
}

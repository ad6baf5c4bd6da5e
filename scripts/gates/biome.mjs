import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { runTool } from './gate.mjs';

/**
 * Runs Biome over these files of a folder, as biome.json has it. It looks through the whole folder of its settings, so
 * a planted folder has a copy of them: other gates remove theirs meanwhile.
 * @param {'format' | 'lint'} verb
 * @param {string} folder
 * @param {readonly string[]} files
 * @returns {Promise<{ code: number | null, stderr: string, report: any }>} `report`: null when it could not run
 */
export async function runBiome(verb, folder, files) {
  if (folder !== root) copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  const args = [verb, `--config-path=${folder}`, '--reporter=json', '--max-diagnostics=none', ...files];
  const { code, stdout, stderr } = await runTool(folder, '@biomejs/biome/bin/biome', args);
  return { code, stderr, report: stdout ? JSON.parse(stdout) : null };
}

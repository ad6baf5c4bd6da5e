import { relative } from 'node:path';
import { root } from '../prepare.mjs';
import { runTool } from './gate.mjs';

/** No file, export or dependency is unused, and none is used without being declared.
 * @type {import('./gate.mjs').Gate} */
export const knip = {
  name: 'knip',
  unit: 'files',
  async check(folder) {
    const reporter = `${root}/scripts/gates/knip-reporter.mjs`;
    // The build's configuration leads knip from the exports in dist/ to their sources.
    const args = ['--tsConfig', 'tsconfig.build.json', '--reporter', reporter, '--no-config-hints', '--no-progress'];
    const { code, stdout, stderr } = await runTool(folder, 'knip/bin/knip.js', args);
    if (!stdout.startsWith('{')) return { checked: 0, problems: [stdout + stderr] };
    /** @type {{ processed: number, problems: { type: string, filePath: string, symbol: string, line?: number }[] }} */
    const { processed, problems } = JSON.parse(stdout);
    const texts = problems.map(({ type, filePath, symbol, line }) =>
      type === 'files'
        ? `${relative(folder, filePath)} is not used`
        : `${relative(folder, filePath)}:${line ?? 1} ${symbol} (${type})`,
    );
    return { checked: processed, problems: code !== 0 && texts.length === 0 ? [stderr] : texts };
  },
  planted: {
    'package.json': '{ "name": "planted", "type": "module", "main": "index.ts", "dependencies": { "unneeded": "1" } }',
    'tsconfig.build.json': '{}',
    'index.ts': "import { used } from './other.ts';\nimport 'undeclared';\nused();",
    'other.ts': 'export const used = () => {};\nexport const unused = 1;',
    'alone.ts': 'export {};',
  },
  caught: [/alone\.ts is not used/, /unused \(exports\)/, /unneeded \(dependencies\)/, /undeclared \(unlisted\)/],
};

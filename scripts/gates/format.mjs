import { filesBelow } from '../prepare.mjs';
import { runBiome } from './biome.mjs';
import { longLines } from './lines.mjs';

/** Text is as the formatter writes it (`npm run format`), and no line of code or of a comment is longer than that.
 * @type {import('./gate.mjs').Gate} */
export const format = {
  name: 'format',
  unit: 'files',
  async check(folder) {
    const files = filesBelow(folder, ['.ts', '.mjs', '.json']).filter((path) => path !== 'package-lock.json');
    const { code, stderr, report } = await runBiome('format', folder, files);
    if (!report) return { checked: 0, problems: [stderr] };
    const { summary, diagnostics } = report;
    /** @type {string[]} */
    const problems = diagnostics.map((/** @type {any} */ { location, category, message }) =>
      category === 'format' ? `${location.path} is not formatted: npm run format` : `${location.path}: ${message}`,
    );
    problems.push(
      ...longLines(
        folder,
        files.filter((file) => !file.endsWith('.json')),
      ),
    );
    return { checked: summary.unchanged, problems: code !== 0 && problems.length === 0 ? [stderr] : problems };
  },
  planted: {
    'planted.ts': 'export  const a = "b"',
    'comment.ts': `// ${'a '.repeat(60)}\nexport const a = 'b';\n`,
    'behind.ts': `export const a = 'b'; // ${'a '.repeat(50)}\n`,
    'text.ts': `export const a =\n  '${'a '.repeat(60)}' as const; // so\n`,
  },
  caught: [
    /planted\.ts is not formatted/,
    /comment\.ts:1 has 123 characters/,
    /behind\.ts:1 has 125 characters/,
    /text\.ts:2 has \d+ characters/,
  ],
};

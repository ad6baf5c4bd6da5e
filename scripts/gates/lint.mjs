import { filesBelow, root } from '../prepare.mjs';
import { runTool } from './gate.mjs';

/**
 * No rule of .oxlintrc.json is broken; the rules about promises and assertions know the types. The files that may still
 * assert a type are listed there: the list only gets shorter.
 * @type {import('./gate.mjs').Gate}
 */
export const lint = {
  name: 'lint',
  unit: 'files',
  async check(folder) {
    const files = filesBelow(folder, ['.ts', '.mjs']);
    const args = ['--type-aware', '--no-ignore', '-c', `${root}/.oxlintrc.json`, '-f', 'json', ...files];
    const { code, stdout, stderr } = await runTool(folder, 'oxlint/bin/oxlint', args);
    if (!stdout.startsWith('{')) return { checked: 0, problems: [stdout + stderr] };
    const { diagnostics, number_of_files: checked } = JSON.parse(stdout);
    /** @type {string[]} */
    const problems = diagnostics.map(
      (/** @type {any} */ { filename, labels, code: rule, message }) =>
        `${filename}:${labels[0]?.span.line ?? 1} ${message} ${rule}`,
    );
    if (checked !== files.length) problems.push(`${checked} of ${files.length} files were linted.`);
    return { checked, problems: code !== 0 && problems.length === 0 ? [stderr] : problems };
  },
  planted: {
    'tsconfig.json': '{ "extends": "../../tsconfig.json", "include": ["**/*.ts"], "exclude": [] }',
    'flags/planted.ts': [
      'export async function floats(): Promise<void> {',
      '  floats();',
      '  [1].forEach(async () => {});',
      '}',
      'export const now = Date.now();',
      "export type Other = import('./other.ts').Other;",
      "import './planted.ts';",
      'export const asserted = (value: unknown) => value as string;',
    ].join('\n'),
    'flags/other.ts': 'export type Other = string;',
  },
  caught: [
    /no-floating-promises/,
    /no-misused-promises/,
    /no-restricted-properties/,
    /consistent-type-imports/,
    /no-self-import/,
    /no-unsafe-type-assertion/,
  ],
};

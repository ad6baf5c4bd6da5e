import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, root } from '../prepare.mjs';
import { typeCheck } from './types.mjs';

/** With an output folder of its own, the package's name leads to the types in dist/ and not to their sources. */
const tsconfig = {
  extends: '../../tsconfig.json',
  compilerOptions: { rootDir: '.', outDir: 'out' },
  include: ['*.ts'],
  exclude: [],
};

/** The code blocks of README.md and docs/ compile against the package as it is built. A block fenced as `ts` is a module
 * of its own; one fenced as `ts continues` goes on where the block before it ended.
 * @type {import('./gate.mjs').Gate} */
export const docs = {
  name: 'docs',
  unit: 'code blocks',
  needsBuild: true,
  async check(folder) {
    const pages = ['README.md', ...(existsSync(join(folder, 'docs')) ? filesBelow(folder, ['.md'], 'docs') : [])];
    const blocks = pages.filter((page) => existsSync(join(folder, page))).flatMap((page) => codeBlocks(folder, page));
    if (blocks.length === 0) return { checked: 0, problems: [] };
    mkdirSync(join(root, '.gate'), { recursive: true });
    const modules = mkdtempSync(join(root, '.gate/blocks-')); // below the root, so that the package's own name resolves
    try {
      writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify(tsconfig));
      for (const { page, line, code } of blocks) {
        // As far down as in the page, so that the compiler's line numbers are the page's.
        writeFileSync(
          join(modules, `${page.replaceAll('/', '~')}~${line}.ts`),
          `${'\n'.repeat(line)}${code}\nexport {};\n`,
        );
      }
      const { checked, problems } = await typeCheck(modules);
      if (checked < blocks.length) problems.push(`${checked} of ${blocks.length} code blocks were compiled.`);
      return {
        checked: blocks.length,
        problems: problems.map((text) => text.replace(/~\d+\.ts\((\d+),\d+\)/, ':$1').replaceAll('~', '/')),
      };
    } finally {
      rmSync(modules, { recursive: true, force: true });
    }
  },
  planted: {
    'README.md': '# Planted\n\n```ts\nconst a: string = "a";\n```\n\n```ts continues\nconst b: number = a;\n```\n',
    'docs/page.md': "```ts\nimport { nothingOfThatName } from 'openfeature-kill-switch';\n```\n",
  },
  caught: [/README\.md:8.*TS2322/, /docs\/page\.md:2.*TS(2305|2307)/],
};

/** @param {string} folder
 * @param {string} page
 * @returns {{ page: string, line: number, code: string }[]} `line`: of the opening fence, counted from 1 */
function codeBlocks(folder, page) {
  const text = readFileSync(join(folder, page), 'utf8');
  /** @type {{ page: string, line: number, code: string }[]} */
  const blocks = [];
  for (const match of text.matchAll(/^```ts( continues)?\n(.*?)^```$/gms)) {
    const line = text.slice(0, match.index).split('\n').length;
    const code = match[2] ?? '';
    const last = blocks.at(-1);
    if (match[1] && last) {
      const gap = line - last.line - last.code.split('\n').length + 1;
      last.code += '\n'.repeat(gap) + code;
    } else blocks.push({ page, line, code });
  }
  return blocks;
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from '../prepare.mjs';
import { withFolder } from './gate.mjs';
import { typeCheck } from './types.mjs';

/** With an output folder of its own, the package's name leads to the types in dist/ and not to their sources. */
const tsconfig = {
  extends: '../../tsconfig.json',
  compilerOptions: { rootDir: '.', outDir: 'out' },
  include: ['*.ts'],
  exclude: [],
};

/**
 * The code blocks of README.md and docs/ compile against the package as it is built, and every source file exists that
 * these pages name. A block fenced as `ts` is a module of its own; one fenced as `ts continues` goes on where the block
 * before it ended. A file is named by its path from the root.
 * @type {import('./gate.mjs').Gate}
 */
export const docs = {
  name: 'docs',
  unit: 'code blocks and names of files',
  needsBuild: true,
  async check(folder) {
    const pages = [
      'README.md',
      ...(existsSync(join(folder, 'docs')) ? filesBelow(folder, ['.md'], 'docs') : []),
    ].filter((page) => existsSync(join(folder, page)));
    const blocks = pages.flatMap((page) => codeBlocks(folder, page));
    const names = pages.flatMap((page) => namedFiles(folder, page));
    if (blocks.length === 0 || names.length === 0) return { checked: 0, problems: [] };
    // Below the root, so that the package's own name resolves.
    const { checked, problems } = await withFolder('blocks', (modules) => {
      writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify(tsconfig));
      for (const { page, line, code } of blocks) {
        // As far down as in the page, so that the compiler's line numbers are the page's.
        const text = `${'\n'.repeat(line)}${code}\nexport {};\n`;
        writeFileSync(join(modules, `${page.replaceAll('/', '~')}~${line}.ts`), text);
      }
      return typeCheck(modules);
    });
    const found = problems.map((text) => text.replace(/~\d+\.ts\((\d+),\d+\)/, ':$1').replaceAll('~', '/'));
    if (checked < blocks.length) found.push(`${checked} of ${blocks.length} code blocks were compiled.`);
    for (const { page, line, name } of names)
      if (!existsSync(join(folder, name))) found.push(`${page}:${line} there is no file ${name}`);
    return {
      checked: blocks.length + names.length,
      problems: [...found, ...pages.flatMap((page) => uncheckedFences(folder, page))],
    };
  },
  planted: {
    'README.md': '# Planted\n\n```ts\nconst a: string = "a";\n```\n\n```ts continues\nconst b: number = a;\n```\n',
    'docs/page.md':
      "```ts\nimport { nothingOfThatName } from 'openfeature-kill-switch';\n```\n\n```typescript\n1\n```\n\nSee `docs/moved.ts`.\n",
  },
  caught: [
    /README\.md:8.*TS2322/,
    /docs\/page\.md:2.*TS(2305|2307)/,
    /docs\/page\.md:5 .*typescript/,
    /docs\/page\.md:9 there is no file docs\/moved\.ts/,
  ],
};

/** @param {string} folder
 * @param {string} page
 * @returns {{ page: string, line: number, code: string }[]} `line`: of the opening fence, counted from 1 */
export function codeBlocks(folder, page) {
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

/** Fences that look like code of ours and would be passed over.
 * @param {string} folder
 * @param {string} page */
function uncheckedFences(folder, page) {
  return readFileSync(join(folder, page), 'utf8')
    .split('\n')
    .flatMap((text, index) =>
      /^```(ts|js|typescript|javascript|tsx|jsx)\b/.test(text) && !/^```ts( continues)?$/.test(text)
        ? [`${page}:${index + 1} ${text} is not checked: write \`\`\`ts or \`\`\`ts continues`]
        : [],
    );
}

/** The source files that a page names in its text, as `path/file.ts`.
 * @param {string} folder
 * @param {string} page
 * @returns {{ page: string, line: number, name: string }[]} */
function namedFiles(folder, page) {
  return readFileSync(join(folder, page), 'utf8')
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)].map(([, name = '']) => ({ page, line: index + 1, name })),
    );
}

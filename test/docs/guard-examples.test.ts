import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { codeBlocks } from '../../scripts/gates/docs.mjs';
import { runNode, runTool, withFolder } from '../../scripts/gates/gate.mjs';
import { root } from '../../scripts/prepare.mjs';

const tsconfig = {
  extends: '../../tsconfig.json',
  compilerOptions: { rootDir: '.', outDir: 'out', noEmit: false },
  include: ['*.ts'],
  exclude: [],
};

/** Compiles the code of a page, runs it in a process of its own against the built package, and tells what it printed beside what the page says. */
async function runPage(folder: string, page: string) {
  const blocks = codeBlocks(folder, page);
  const [{ code } = { code: '' }] = blocks;
  const text = readFileSync(join(folder, page), 'utf8');
  const promised = [...text.matchAll(/^```text\n(.*?)^```$/gms)].map(([, printed]) => printed ?? '');
  return withFolder('run', async (modules) => {
    writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify(tsconfig));
    writeFileSync(join(modules, 'page.ts'), code);
    const compiled = await runTool(modules, 'typescript/bin/tsc', ['-p', '.']);
    const ran = await runNode(modules, [join('out', 'page.js')]);
    return { programs: blocks.length, promised, compiled: compiled.stdout, ...ran };
  });
}

test('the program of docs/guard.md prints what the page says, and ends by itself', { timeout: 90_000 }, async () => {
  const { programs, promised, compiled, stdout, stderr, code } = await runPage(root, 'docs/guard.md');
  expect(programs).toBe(1);
  expect(promised.length).toBeGreaterThanOrEqual(15);
  expect(compiled).toBe('');
  expect(stderr).toBe('');
  expect(stdout).toBe(promised.join(''));
  expect(code).toBe(0);
});

test('a page that promises something else is noticed', async () => {
  await withFolder('planted', async (folder) => {
    const page = join(folder, 'page.md');
    writeFileSync(
      page,
      "```ts\nimport { MODES } from 'openfeature-kill-switch/flags';\nconsole.log(MODES[0]);\n```\n\n```text\nfull_stop\n```\n",
    );
    const { promised, stdout, code } = await runPage(folder, basename(page));
    expect({ promised, stdout, code }).toEqual({ promised: ['full_stop\n'], stdout: 'live\n', code: 0 });
  });
});

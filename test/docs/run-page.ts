import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeBlocks } from '../../scripts/gates/docs.mjs';
import { runNode, runTool, withFolder } from '../../scripts/gates/gate.mjs';

const tsconfig = {
  extends: '../../tsconfig.json',
  compilerOptions: { rootDir: '.', outDir: 'out', noEmit: false },
  include: ['*.ts'],
  exclude: [],
};

/**
 * Compiles the first program of a page, runs it in a process of its own against the built package, and returns what it
 * printed and what the page says.
 * @param edit changes the program, for instance to put in the port of a server
 */
export async function runPage(folder: string, page: string, edit = (code: string): string => code) {
  const blocks = codeBlocks(folder, page);
  const [{ code } = { code: '' }] = blocks;
  const text = readFileSync(join(folder, page), 'utf8');
  const promised = [...text.matchAll(/^```text\n(.*?)^```$/gms)].map(([, printed]) => printed ?? '');
  return withFolder('run', async (modules) => {
    writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify(tsconfig));
    writeFileSync(join(modules, 'page.ts'), edit(code));
    const compiled = await runTool(modules, 'typescript/bin/tsc', ['-p', '.']);
    const ran = await runNode(modules, [join('out', 'page.js')]);
    return { programs: blocks.length, promised, compiled: compiled.stdout, ...ran };
  });
}

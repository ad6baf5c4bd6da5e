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

/** Compiles a program, and runs it in a process of its own against the built package. */
export const runProgram = (code: string) =>
  withFolder('run', async (modules) => {
    writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify(tsconfig));
    writeFileSync(join(modules, 'page.ts'), code);
    const compiled = await runTool(modules, 'typescript/bin/tsc', ['-p', '.']);
    const ran = await runNode(modules, [join('out', 'page.js')]);
    return { compiled: compiled.stdout, ...ran };
  });

/** What a page promises to be printed. */
export const promisedBy = (folder: string, page: string): string[] =>
  [...readFileSync(join(folder, page), 'utf8').matchAll(/^```text\n(.*?)^```$/gms)].map(([, printed]) => printed ?? '');

/**
 * Runs the first program of a page, and returns what it printed and what the page says.
 * @param edit changes the program, for instance to put in the port of a server
 */
export async function runPage(folder: string, page: string, edit = (code: string): string => code) {
  const blocks = codeBlocks(folder, page);
  const [{ code } = { code: '' }] = blocks;
  return { programs: blocks.length, promised: promisedBy(folder, page), ...(await runProgram(edit(code))) };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { run } from '../operator/cli/command.ts';

/** The words of a command line, as a shell reads them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

const steady = (line: string): string => line.replaceAll(/ +/g, ' ').trim();

/**
 * Runs each command of a page, in their order, and expects each text behind it to be among what it printed: lines that
 * begin so, or (`within`) that have it in them. @returns how many commands there were
 */
export async function followCommands(
  page: string,
  options: Parameters<typeof run>[1],
  { within = false }: { readonly within?: boolean } = {},
): Promise<number> {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  let printed = '';
  let commands = 0;
  for (const [, language, block = ''] of text.matchAll(/^```(sh|text)\n(.*?)^```$/gms)) {
    if (language === 'sh') {
      const [program, ...words] = wordsOf(block.trim());
      expect(program).toBe('kill-switch');
      const { stdout, stderr } = await run(words, options);
      printed = `${stdout}\n${stderr}`;
      commands += 1;
      continue;
    }
    const lines = printed.split('\n').map(steady);
    for (const line of block.split('\n').filter(Boolean))
      expect
        .soft(
          lines.some((each) => (within ? each.includes(steady(line)) : each.startsWith(steady(line)))),
          `${line}\n---\n${printed}`,
        )
        .toBe(true);
  }
  return commands;
}

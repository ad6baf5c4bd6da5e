import { readFileSync, writeFileSync } from 'node:fs';
import { formatMarkdown, type Report } from './results.ts';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** Puts the numbers between the two marks of the README in the working directory. */
export function writeReadme(report: Report): void {
  const before = readFileSync('README.md', 'utf8');
  const [start, end] = [before.indexOf(START), before.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`README.md has no ${START} with an ${END} after it.`);
  const head = before.slice(0, start + START.length);
  writeFileSync('README.md', `${head}\n${formatMarkdown(report)}\n${before.slice(end)}`);
}

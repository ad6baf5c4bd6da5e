import { readFileSync, writeFileSync } from 'node:fs';
import { formatMarkdown, type Report } from './results.ts';

/** Where the numbers stand that this project shows, below the working directory. */
export const PAGE = 'docs/performance.md';
const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** Puts the numbers, and the day on which they were measured, between the two marks of the page. */
export function writePage(report: Report): void {
  const before = readFileSync(PAGE, 'utf8');
  const [start, end] = [before.indexOf(START), before.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${PAGE} has no ${START} with an ${END} after it.`);
  const head = before.slice(0, start + START.length);
  const day = new Date().toISOString().slice(0, 10);
  writeFileSync(PAGE, `${head}\n${formatMarkdown(report, day)}\n${before.slice(end)}`);
}

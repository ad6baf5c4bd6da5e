import { width } from '../../../../operator/cli/width.ts';

const ESCAPE = String.fromCodePoint(0x1b);
const PART = new RegExp(
  `${ESCAPE}\\[(?<row>\\d+);1H|(?<cleared>${ESCAPE}\\[2J)|(?<rest>${ESCAPE}\\[K)|${ESCAPE}\\[[?0-9;]*[a-zA-Z]|(?<text>[^${ESCAPE}]+)`,
  'gu',
);

/**
 * What a terminal shows that got this, a line each: it knows only what the live view uses. What was written before the
 * last time that all was cleared is not told apart from what the view shows.
 */
export function rendered(written: string): string[] {
  const lines: string[] = [];
  let row = 0;
  let fresh = false;
  for (const { groups = {} } of written.matchAll(PART)) {
    if (groups['row'] !== undefined) [row, fresh] = [Number(groups['row']) - 1, true];
    else if (groups['cleared'] !== undefined) lines.length = 0;
    else if (groups['rest'] !== undefined && fresh) lines[row] = '';
    else if (groups['text'] !== undefined) {
      lines[row] = (fresh ? '' : (lines[row] ?? '')) + groups['text'];
      fresh = false;
    }
  }
  while (lines.length > 0 && (lines.at(-1) ?? '') === '') lines.pop();
  return Array.from(lines, (line) => line ?? '');
}

/** The widest of these lines, in columns. */
export const widest = (lines: readonly string[]): number => Math.max(0, ...lines.map(width));

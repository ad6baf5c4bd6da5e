import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording } from '../../scripts/picture/recording.mjs';
import { linesOf, picture } from '../../scripts/picture/svg.mjs';
import { hasTerminals, openTerminal, temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');
const PICTURE = join(root, 'docs/tour.svg');

/**
 * Without what differs from run to run: numbers and their signs, names of folders, customers and articles, what an
 * agent was just doing when it was stopped, and the rows of tables: what was measured, and how many of which kind were
 * refused.
 */
function steady(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !/(HARD_BLOCK|DOWNGRADE|WARNING) |^ *(order-mailer|price-bot) {3}/.test(line))
    .map((line) =>
      line
        .replace(/\(?\/\S*kill-switch-tour-\w+/g, 'FOLDER')
        .replace(/\b(ada|grace|linus|barbara|edsger)\b/g, 'CUSTOMER')
        .replace(/× \S+ for you/, '× ARTICLE for you')
        .replace(/refused: \S+ was stopped \((blocked|aborted), /, 'refused: ACTION was stopped (')
        .replace(/kill-switch approve \S+/, 'kill-switch approve ID')
        .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
        .replace(/[+-]?\d+/g, '#')
        .replace(/\s+/g, ''),
    )
    .filter((line) => line !== '');
}

test.skipIf(!hasTerminals)('the picture of the tour shows what the tour prints', { timeout: 120_000 }, async () => {
  const { path } = temporaryFolder('picture');
  const tour = `${process.execPath} ${join(root, 'dist/examples/tour/main.js')}`;
  const terminal = openTerminal(tour, { columns: 100, rows: 40, cwd: path, env: { ...environment(), TMPDIR: path } });
  expect(await terminal.exited).toBe(0);
  const { lines } = readRecording([{ at: 0, text: terminal.screen }]);
  const shown = steady(linesOf(readFileSync(PICTURE, 'utf8')));
  expect(shown, 'make it anew: npm run picture').toEqual(steady(lines.map(({ text }) => text)));
  expect(shown.length).toBeGreaterThan(70);
});

function environment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]));
}

test('it needs nothing from elsewhere, is small, and stands still for whoever asks for that', () => {
  const svg = readFileSync(PICTURE, 'utf8');
  expect(statSync(PICTURE).size).toBeLessThan(100_000);
  expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|<script|<image|@import|url\(/);
  expect(svg).toContain('prefers-color-scheme:dark');
  expect(svg).toContain('prefers-reduced-motion:no-preference');
});

test('a picture has every line, also those that are wider, and shows each when it came', () => {
  const clear = '\r\u001b[2K';
  const pieces = [
    { at: 0, text: `${clear}\u001b[1mA <title> & more\u001b[0m\r\n` },
    { at: 500, text: `${clear}\u001b[2m   1 mail\u001b[0m` },
    { at: 1000, text: `${clear}\u001b[36m   $ a "command" that is wider than it may be\u001b[0m\r\n` },
    { at: 2000, text: `${clear}   end\r\n` },
  ];
  const recording = readRecording(pieces);
  expect(recording).toEqual({
    lines: [
      { at: 0, text: 'A <title> & more', style: 'title' },
      { at: 1000, text: '   $ a "command" that is wider than it may be', style: 'command' },
      { at: 2000, text: '   end', style: 'plain' },
    ],
    passing: [{ at: 500, row: 1, text: '   1 mail' }],
  });
  const svg = picture(recording, { columns: 30, rows: 2, title: 'x' });
  expect(linesOf(svg)).toEqual(['A <title> & more', '$ a "command" that is wider than it may be', 'end']);
  // Four lines in two rows: from the third on, the column goes up. After its last line it rests for five seconds.
  expect(svg).toContain('@keyframes curtain{0%{transform:translateY(20px)}14.29%{transform:translateY(60px)}');
  expect(svg).toContain('@keyframes column{0%{transform:translateY(0px)}14.29%{transform:translateY(-40px)}');
  expect(svg).toContain('@keyframes strip{0%{transform:translateY(20px)}7.14%{transform:translateY(0px)}14.29%');
});

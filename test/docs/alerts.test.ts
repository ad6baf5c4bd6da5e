import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ALERT_EVENTS } from '../../flags/index.ts';
import { root } from '../../scripts/prepare.mjs';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';

const page = readFileSync(join(root, 'docs/alerts.md'), 'utf8');

/** Each command of the page, and each text that it shows as printed, in their order. */
const BLOCKS = [...page.matchAll(/^```(sh|text|json)\n(.*?)^```$/gms)].map(([, language, text = '']) => ({
  language,
  text,
}));

/** The words of a command line, as a shell reads them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

const steady = (line: string): string => line.replaceAll(/ +/g, ' ').trim();

test('what docs/alerts.md shows is what its commands print, in this order', { timeout: 120_000 }, async () => {
  const { path: cwd } = temporaryFolder('alerts-page');
  const env = { KILL_SWITCH_OPERATOR: 'dana' };
  await run(['init'], { cwd, env });
  await run(['mode', 'live', '--reason', 'launch'], { cwd, env });
  let printed = '';
  let commands = 0;
  for (const { language, text } of BLOCKS) {
    if (language === 'json') continue;
    if (language === 'sh') {
      const [program, ...words] = wordsOf(text.trim());
      expect(program).toBe('kill-switch');
      const { stdout, stderr } = await run(words, { cwd, env });
      printed = `${stdout}\n${stderr}`;
      commands += 1;
    } else {
      const lines = printed.split('\n').map(steady);
      for (const line of text.split('\n').filter(Boolean))
        expect
          .soft(
            lines.some((each) => each.startsWith(steady(line))),
            `${line}\n---\n${printed}`,
          )
          .toBe(true);
    }
  }
  expect(commands).toBe(6);
  // Every member of what is sent is one that the page shows.
  const told: { data: object } = JSON.parse(readFileSync(join(cwd, 'told.json'), 'utf8'));
  const shown: { data: object } = JSON.parse(BLOCKS.find(({ language }) => language === 'json')?.text ?? '');
  expect([Object.keys(told), Object.keys(told.data)]).toEqual([Object.keys(shown), Object.keys(shown.data)]);
});

test('docs/alerts.md has a row for each kind of alert, and no other', () => {
  const [, table = ''] = page.split('## Of what');
  const rows = [...table.matchAll(/^\| `(\w+)` /gm)].map(([, kind]) => kind);
  expect(rows).toEqual([...ALERT_EVENTS]);
});

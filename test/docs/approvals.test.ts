import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { fileStore } from '../../store/file/index.ts';
import { ask, heldCall, openAsker } from '../guard/asking.ts';
import { fileSwitch } from '../operator/cli/command.ts';
import { runPage } from './run-page.ts';

const page = readFileSync(join(root, 'docs/approvals.md'), 'utf8');

/** Without what differs from run to run. */
const steady = (line: string): string =>
  line
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/uid \d+/g, 'UID')
    .replaceAll(/ +/g, ' ')
    .trim();

/** What stands below a command. */
const shown = [...page.matchAll(/^```sh\n[^`]*```\n\n```text\n(.*?)^```$/gms)].map(([, text = '']) =>
  text.split('\n').map(steady).filter(Boolean),
);

test('the program of docs/approvals.md prints what the page says, and ends by itself', {
  timeout: 90_000,
}, async () => {
  const { programs, promised, compiled, stdout, stderr, code } = await runPage(root, 'docs/approvals.md');
  expect(programs).toBe(1);
  expect(compiled).toBe('');
  expect(stderr).toBe('');
  const printed = promised.slice(0, 2).join('');
  expect(stdout.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')).toBe(printed);
  expect(code).toBe(0);
});

/** Nothing runs here, so nobody has reported the agent and the action of the page. */
const isShown = (line: string): boolean => line !== '' && !line.startsWith('NOBODY KNOWS');

test('what docs/approvals.md shows is what the command prints', async () => {
  const ks = fileSwitch();
  await ks.run('init');
  await ks.run('mode', 'approval_gated', '--reason', 'test');
  const asker = await openAsker(fileStore({ directory: ks.directory }), 'returns', 10_000);
  const first = await ask(asker, heldCall({ orderId: 1006, cents: 500 }), {
    ...{ description: 'Refund 5 USD for order 1006', costUsd: 5 },
  });
  await ks.run('approve', first);
  const id = await ask(asker, heldCall({ orderId: 1007, cents: 12_000, to: 'ann@example.test' }), {
    ...{ description: 'Refund 120 USD for order 1007', costUsd: 120 },
  });
  const file = join(ks.folder, 'edited.json');
  const printed = [await ks.run('approvals'), await ks.run('approvals', 'show', id)];
  writeFileSync(file, '{"orderId":1007,"cents":6000,"to":"ann@example.test"}');
  printed.push(await ks.run('approve', id, '--input', file, '--notes', 'half of it'));
  const match = '{"currency":"usd"}';
  const allow = ['approval', 'allow', 'payments.refund', '--agent', 'returns-bot', '--match', match];
  printed.push(await ks.run(...allow, '--times', '20', '--until', '8h'));
  expect(shown).toHaveLength(printed.length);
  for (const [index, { stdout }] of printed.entries())
    expect(stdout.split('\n').map(steady).filter(isShown)).toEqual(shown[index]);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, root } from '../../scripts/prepare.mjs';
import { runHere } from '../operator/cli/command.ts';

test('each `kill-switch redis acl` in the pages prints the user that the page shows', async () => {
  const pages = ['README.md', ...filesBelow(root, ['.md'], 'docs')];
  const commands = pages.flatMap((page) =>
    [
      ...readFileSync(join(root, page), 'utf8').matchAll(/(?:^|`)kill-switch redis acl([^`\n|]*--store [^`\n|]*)/gm),
    ].map(([, words = '']) => words.trim().split(' ')),
  );
  expect(commands.length).toBeGreaterThanOrEqual(3);
  for (const words of commands) {
    const { code, stdout, stderr } = await runHere(['redis', 'acl', ...words]);
    expect({ words, code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/^user kill-switch\+default\+/);
  }
});

test('each verb in the pages is one of the command', async () => {
  const { stdout } = await runHere(['--help']);
  const [, listed = ''] = stdout.split('Commands:');
  const verbs = [...listed.matchAll(/^ {2}([a-z]+) /gm)].map(([, verb]) => verb);
  const found = ['README.md', ...filesBelow(root, ['.md'], 'docs')].flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/(?:^|`|npx )kill-switch ([a-z]+)/gm)].map(([, verb]) => verb),
  );
  expect(found.length).toBeGreaterThan(50);
  for (const verb of found) expect(verbs).toContain(verb);
});

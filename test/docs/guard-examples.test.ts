import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { withFolder } from '../../scripts/gates/gate.mjs';
import { root } from '../../scripts/prepare.mjs';
import { runPage } from './run-page.ts';

test('the program of docs/guard.md prints what the page says, and ends by itself', { timeout: 90_000 }, async () => {
  const { programs, promised, compiled, stdout, stderr, code } = await runPage(root, 'docs/guard.md');
  expect(programs).toBe(1);
  expect(promised.length).toBeGreaterThanOrEqual(15);
  expect(compiled).toBe('');
  expect(stderr).toBe('');
  expect(stdout).toBe(promised.join(''));
  expect(code).toBe(0);
});

test('a page that shows another output is noticed', async () => {
  await withFolder('planted', async (folder) => {
    const page = join(folder, 'page.md');
    writeFileSync(
      page,
      "```ts\nimport { MODES } from 'openfeature-kill-switch/flags';\nconsole.log(MODES[0]);\n```\n\n```text\nfull_stop\n```\n",
    );
    const { promised, stdout, code } = await runPage(folder, basename(page));
    expect({ promised, stdout, code }).toEqual({ promised: ['full_stop\n'], stdout: 'live\n', code: 0 });
  });
});

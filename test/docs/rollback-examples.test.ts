import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { runPage } from './run-page.ts';

test('the program of docs/rollback.md prints what the page says, and ends by itself', { timeout: 90_000 }, async () => {
  const { programs, promised, compiled, stdout, stderr, code } = await runPage(root, 'docs/rollback.md');
  expect(programs).toBe(2);
  expect(promised).toHaveLength(1);
  expect(compiled).toBe('');
  expect(stderr).toBe('');
  expect(stdout).toBe(promised.join(''));
  expect(code).toBe(0);
});

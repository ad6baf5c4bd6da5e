import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { runPage } from './run-page.ts';

test('the program of docs/budgets.md prints what the page says, and ends by itself', { timeout: 90_000 }, async () => {
  const { programs, promised, compiled, stdout, stderr, code } = await runPage(root, 'docs/budgets.md');
  expect(programs).toBe(1);
  expect(promised).toHaveLength(3);
  expect(compiled).toBe('');
  expect(stderr).toBe('');
  expect(stdout).toBe(promised.join(''));
  expect(code).toBe(0);
});

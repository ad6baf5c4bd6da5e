import { expect, test } from 'vitest';
import { codeBlocks } from '../../scripts/gates/docs.mjs';
import { root } from '../../scripts/prepare.mjs';
import { promisedBy, runProgram } from './run-page.ts';

const PAGE = 'docs/journal.md';
const programs = codeBlocks(root, PAGE).map(({ code }) => code);
const promised = promisedBy(root, PAGE);

test('docs/journal.md has two programs, and says what each prints', () => {
  expect([programs.length, promised.length]).toEqual([2, 2]);
});

test.each([0, 1])('program %d of it prints what the page says, and ends by itself', { timeout: 90_000 }, async (n) => {
  const { compiled, stdout, stderr, code } = await runProgram(programs[n] ?? '');
  expect(compiled).toBe('');
  expect(stderr).toBe('');
  expect(stdout).toBe(promised[n]);
  expect(code).toBe(0);
});

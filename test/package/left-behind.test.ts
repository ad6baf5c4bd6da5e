import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');

/** Runs one test with the reporter of this repository, and what scripts/test.mjs tells it. */
function runTest(body: string) {
  const folder = temporaryFolder('left').path;
  const own = join(folder, 'tmp');
  mkdirSync(own);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'a.test.mjs'),
    `import { mkdtempSync, rmdirSync } from 'node:fs';
     import { tmpdir } from 'node:os';
     import { join } from 'node:path';
     import { test } from 'vitest';
     test('a test', () => { ${body} });`,
  );
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporter = join(root, 'scripts/closing-line.mjs');
  const { status, stdout } = spawnSync(process.execPath, [vitest, 'run', '--root', folder, '--reporter', reporter], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: own, OWN_TMPDIR: own, GATES_PASSED: '2', GATES_FAILED: '0', NO_COLOR: '1' },
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

test('a run that leaves a folder in the temporary one fails, and names it', { timeout: 60_000 }, () => {
  const { status, lines } = runTest("mkdtempSync(join(tmpdir(), 'mine-'));");
  expect(status).toBe(1);
  expect(lines).toContainEqual(expect.stringMatching(/^left behind in the temporary folder: mine-\w{6}$/));
  expect(lines.at(-1)).toBe('3 passed, 1 failed, 0 skipped');
});

test('a run that leaves nothing passes', { timeout: 60_000 }, () => {
  const { status, lines } = runTest("rmdirSync(mkdtempSync(join(tmpdir(), 'mine-')));");
  expect({ status, last: lines.at(-1) }).toEqual({ status: 0, last: '3 passed, 0 failed, 0 skipped' });
});

test('what a run was told is not told to a run that one of its tests starts', { timeout: 60_000 }, () => {
  const { lines } = runTest("if (process.env.OWN_TMPDIR ?? process.env.GATES_PASSED) throw new Error('told');");
  expect(lines.at(-1)).toBe('3 passed, 0 failed, 0 skipped');
});

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../servers/index.ts';

// What docs/CONTRIBUTING.md adds is added to a copy of this repository, compiled, and used.

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/CONTRIBUTING.md'), 'utf8');
const changes = [...page.matchAll(/^```diff\n(.*?)^```$/gms)].map(([, diff = '']) => diff);

let copy = '';

function run(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, encoding: 'utf8' });
  return { status, stdout, said: stdout + stderr };
}

/** Runs a program in the copy, which imports what was built there. */
function program(text: string): string {
  writeFileSync(join(copy, 'program.mjs'), text);
  const { status, stdout, said } = run(process.execPath, 'program.mjs');
  expect(said).not.toMatch(/Error/);
  expect(status).toBe(0);
  return stdout;
}

beforeAll(() => {
  copy = temporaryFolder('contributing').path;
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((name) => /\.(ts|mjs|json)$/.test(name))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const must = (what: string, command: string, ...args: readonly string[]): void => {
    const { status, said } = run(command, ...args);
    if (status !== 0) throw new Error(`${what}: ${said}`);
  };
  for (const [index, diff] of changes.entries()) {
    writeFileSync(join(copy, `${index}.diff`), diff);
    must(`Change ${index + 1} of the page does not fit any more`, 'git', 'apply', `${index}.diff`);
  }
  const tsc = 'node_modules/typescript/bin/tsc';
  must('What the page adds does not compile', process.execPath, tsc, '-p', 'tsconfig.json', '--noEmit');
  must('The copy cannot be built', process.execPath, tsc, '-p', 'tsconfig.build.json');
}, 300_000);

describe('what CONTRIBUTING adds', () => {
  test('leaves the tests of what it touches as they were', { timeout: 300_000 }, () => {
    const tests = [
      'test/guard/steps',
      'test/store/capabilities',
      'test/operator',
      'test/flags/cause',
      'test/flags/fold',
    ];
    const { status, said } = run(
      process.execPath,
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project',
      'unit',
      '--project',
      'pure',
      '--retry=2', // they run beside others here: what a busy machine does to one is not what is looked for
      ...tests,
    );
    expect(status, said.slice(-5000)).toBe(0);
  });

  test('is four things', () => {
    expect(changes).toHaveLength(4);
  });

  test('is a command', { timeout: 120_000 }, () => {
    const command = (...args: readonly string[]) =>
      run(process.execPath, 'dist/operator/cli/main.js', ...args, '--store', `file:${join(copy, 'switch')}`);
    expect(command('init').status).toBe(0);
    expect(command('freeze')).toMatchObject({ status: 0, stdout: expect.stringContaining('nobody may write') });
    expect(command('mode').stdout).toContain('read_only');
    expect(command('freeze').stdout).toContain('already');
    expect(command('mode', 'full_stop').status).toBe(0);
    expect(command('freeze')).toMatchObject({ status: 1, said: expect.stringContaining('takes a reason') });
    expect(command('freeze', '--reason', 'it is over').status).toBe(0);
    expect(command('log', 'verify').status).toBe(0);
  });

  test('is a cause', () => {
    const said = program(`
      import { causeMetadata, causeFromMetadata, describeCause } from './dist/flags/index.js';
      const cause = causeFromMetadata(causeMetadata({ kind: 'maintenance', window: 'nightly' }, 7));
      console.log(JSON.stringify(cause), describeCause(cause));
    `);
    expect(said).toBe('{"kind":"maintenance","window":"nightly"} the maintenance nightly\n');
  });

  test('is a step', () => {
    const said = program(`
      import { createKillSwitch } from './dist/index.js';
      import { openControlPlane } from './dist/operator/index.js';
      import { memoryControlStore } from './dist/store/memory/control.js';
      import { memoryStore } from './dist/store/memory/index.js';
      const store = memoryStore();
      const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'ann' } });
      await control.init();
      await control.setMode({ mode: 'live', reason: 'test' });
      const killSwitch = await createKillSwitch({ store, agentId: 'bot' });
      for (const surface of ['tool', 'schedule']) {
        const action = killSwitch.action({ name: 'mail.' + surface, surface, execute: () => 'sent' });
        const { status, decision } = await action.attempt({});
        console.log(surface, status, decision.cause.kind);
      }
      await killSwitch.close();
      await control.close();
    `);
    expect(said).toBe('tool executed mode\nschedule blocked maintenance\n');
  });

  test('is a capability that one driver has', () => {
    const said = program(`
      import { memoryStore } from './dist/store/memory/index.js';
      import { fileStore } from './dist/store/file/index.js';
      const scope = { organizationId: 'default', executorName: 'bot', executorId: 'b1', requestTimeoutMs: 1000 };
      const inMemory = memoryStore().open(scope);
      const inFiles = fileStore({ directory: 'switch' }).open(scope);
      await inMemory.lamp?.show('red');
      console.log(inMemory.lamp.colour, inFiles.lamp);
      await inMemory.close();
      await inFiles.close();
    `);
    expect(said).toBe('red null\n');
  });
});

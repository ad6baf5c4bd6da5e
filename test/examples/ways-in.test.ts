import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasFlagd, hasRedis, startFlagd, startRedis } from '../servers/index.ts';
import { copyOf, installBefore, npm, type Ran } from './installed.ts';
import { STORIES, WAYS } from './folders.ts';

// Each place in which the switch can be.

const root = join(import.meta.dirname, '../..');
installBefore();

/** Mail goes out, the kill is said, the next mail is not sent, and the end is clean. */
function expectLoop({ code, output, isGone }: Ran, cause = 'it sends too much'): void {
  expect({ code, isGone }, output).toEqual({ code: 0, isGone: true });
  const sent = [...output.matchAll(/^mail to customer-(\d+)@shop\.example$/gm)].map(([, customer]) => Number(customer));
  expect(sent.length, output).toBeGreaterThan(0);
  expect(sent).toEqual(sent.map((_customer, index) => index + 1));
  expect(output).toMatch(
    /^\$ npx kill-switch kill agent:mailer --reason "it sends too much"\nagent:mailer is full_stop/m,
  );
  const blocked = output.split('\n').filter((line) => line.startsWith('email.send is blocked'));
  expect(blocked).toEqual([expect.stringContaining(cause)]);
  expect(output.lastIndexOf('mail to')).toBeLessThan(output.indexOf('email.send is blocked'));
  expect(output).toMatch(/^\$ npx kill-switch revive agent:mailer [^\n]*\nagent:mailer is revived, at epoch \d+\./m);
}

describe('an example', { timeout: 120_000 }, () => {
  test('with a folder runs as it is, twice', async () => {
    const folder = copyOf('file');
    expectLoop(await npm(folder, 'start'));
    expectLoop(await npm(folder, 'start'));
    expect(readdirSync(folder).sort()).toEqual([
      '.kill-switch',
      'README.md',
      'main.mjs',
      'node_modules',
      'package.json',
    ]);
  });

  test('from CommonJS runs as it is', async () => {
    expectLoop(await npm(copyOf('commonjs'), 'start'));
  });

  test.skipIf(!hasRedis)('with Redis runs as it is', async () => {
    const redis = await startRedis();
    expectLoop(await npm(copyOf('redis'), 'start', { REDIS_URL: redis.url }));
  });

  test.skipIf(!hasFlagd)('with flagd runs as it is', async () => {
    const folder = copyOf('flagd');
    expect(await npm(folder, 'prepare-flags')).toMatchObject({ code: 0 });
    const flagd = await startFlagd({ file: join(folder, 'kill-switch.flagd.json') });
    expectLoop(await npm(folder, 'start', { FLAGD_SYNC_PORT: String(flagd.syncPort) }), '(mode full_stop)');
  });
});

test('the example with flagd ends, and its export too, whatever goes wrong', { timeout: 60_000 }, async () => {
  const folder = copyOf('flagd');
  expect(await npm(folder, 'prepare-flags')).toMatchObject({ code: 0 });
  const unmade = await npm(folder, 'start', { FLAGD_SYNC_PORT: 'none' }); // the switch cannot be made
  expect(unmade, unmade.output).toMatchObject({ code: 1, isGone: true });
  const unexported = await npm(folder, 'start', { KILL_SWITCH_ORGANIZATION: 'none' }); // the export ends at once
  expect(unexported, unexported.output).toMatchObject({ code: 0, isGone: true });
});

test.each([...WAYS, ...STORIES])(
  'the example %s compiles, and asks for what the package needs',
  { timeout: 60_000 },
  async (example) => {
    const folder = copyOf(example);
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const { version, peerDependencies, peerDependenciesMeta, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    );
    expect(dependencies['openfeature-kill-switch']).toBe(`^${version}`);
    for (const name of Object.keys(dependencies).filter((key) => key !== 'openfeature-kill-switch')) {
      expect(Object.keys(peerDependencies)).toContain(name);
      expect(dependencies[name]).toBe(devDependencies[name]);
    }
    expect(Object.hasOwn(dependencies, 'ioredis')).toBe(example === 'redis');
    expect(peerDependenciesMeta.ioredis.optional).toBe(true);

    const compilerOptions = {
      allowJs: true,
      checkJs: true,
      noEmit: true,
      strict: true,
      module: 'nodenext',
      types: ['node'],
    };
    symlinkSync(join(root, 'node_modules/@types'), join(folder, 'types'));
    const config = {
      compilerOptions: { ...compilerOptions, target: 'es2023', skipLibCheck: true, typeRoots: ['types'] },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, include: ['*.mjs', '*.cjs'] }));
    const tsc = spawn(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
    let said = '';
    tsc.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((resolve) => tsc.once('close', resolve));
    expect({ code, said }).toEqual({ code: 0, said: '' });
  },
);

test('every folder of examples is run by a test', () => {
  const folders = readdirSync(join(root, 'examples')).filter((name) => !name.includes('.'));
  expect(folders.sort()).toEqual([...WAYS, ...STORIES, 'tour'].sort());
});

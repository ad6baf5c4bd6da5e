import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { install, pack } from '../../scripts/gates/package.mjs';
import { hasFlagd, hasRedis, startFlagd, startRedis, temporaryFolder } from '../servers/index.ts';

// Each example with the package as `npm pack` makes it, in a folder of its own.

const root = join(import.meta.dirname, '../..');
const WAYS = ['file', 'redis', 'flagd', 'commonjs'];

let modules = '';
beforeAll(async () => {
  const place = temporaryFolder('ways-in').path;
  const { tarball } = await pack(root, place);
  const { folder, manifest } = await install(tarball, place);
  modules = join(place, 'node_modules');
  link('ioredis');
  mkdirSync(join(modules, '.bin'));
  symlinkSync(join(folder, manifest.bin['kill-switch']), join(modules, '.bin/kill-switch'));
}, 120_000);

/** Puts a package into `modules`, beside what it needs. */
function link(name: string): void {
  const from = join(root, 'node_modules', name);
  const to = join(modules, name);
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(from, to);
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  for (const needed of Object.keys(dependencies)) link(needed);
}

/** A copy of an example, installed. */
function copyOf(example: string): string {
  const { path } = temporaryFolder(`example-${example}`);
  cpSync(join(root, 'examples', example), path, { recursive: true });
  symlinkSync(modules, join(path, 'node_modules'));
  return path;
}

/** Runs a command of package.json to its end. All that it starts is in one group, of which nothing may be left. */
async function npm(folder: string, script: string, env: Readonly<Record<string, string>> = {}) {
  const own: NodeJS.ProcessEnv = { ...process.env, KILL_SWITCH_OPERATOR: 'ann', ...env };
  delete own['KILL_SWITCH_STORE']; // the default is what the example uses
  const child = spawn('npm', ['run', '--silent', script], {
    cwd: folder,
    detached: true,
    env: own,
  });
  const group = -Number(child.pid);
  const isGone = () => {
    try {
      return !process.kill(group, 0);
    } catch {
      return true;
    }
  };
  onTestFinished(() => void (isGone() || process.kill(group, 'SIGKILL')));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output, isGone: isGone() };
}

/** Mail goes out, the kill is said, the next mail is not sent, and the end is clean. */
function expectLoop({ code, output, isGone }: Awaited<ReturnType<typeof npm>>, cause = 'it sends too much'): void {
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

test.each(WAYS)(
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
  expect(folders.sort()).toEqual([...WAYS, 'tour'].sort());
});

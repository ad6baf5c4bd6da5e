import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { IOREDIS, loadIoredis } from '../../store/redis/ioredis.ts';
import { installPacked } from './install-packed.ts';

const { exports, peerDependencies, peerDependenciesMeta } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as Readonly<Record<'exports' | 'peerDependencies' | 'peerDependenciesMeta', Readonly<Record<string, string>>>>;

const SENTENCE =
  "A store in Redis needs the package ioredis, which is not installed: npm install 'ioredis@^5.3.0 || ^6.0.0'";

/** Runs a program in that folder; what it gives `say` is returned. */
function run(folder: string, program: string, file = 'program.mjs'): unknown {
  writeFileSync(join(folder, file), program);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

const MADE = `
import { createKillSwitch } from 'openfeature-kill-switch';
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { KillSwitchProvider } from 'openfeature-kill-switch/provider';
import { memoryStore } from 'openfeature-kill-switch/store/memory';
import { redisStore } from 'openfeature-kill-switch/store/redis';
import { redisControlStore } from 'openfeature-kill-switch/store/redis/control';
import { InMemoryProvider } from '@openfeature/server-sdk';

const url = 'redis://user:s3cret@127.0.0.1:1';
const failure = (promise) => promise.then(() => 'none', ({ name, code, message }) => ({ name, code, message }));
const provider = new KillSwitchProvider({ store: redisStore({ url }) });
const said = {
  createKillSwitch: await failure(createKillSwitch({ store: redisStore({ url }) })),
  'beside a provider': await failure(createKillSwitch({ store: redisStore({ url }), provider: new InMemoryProvider({}) })),
  openControlPlane: await failure(openControlPlane({ store: redisControlStore({ url }), operator: { id: 'ann' } })),
};
const started = await failure(provider.initialize());
const answer = await provider.resolveStringEvaluation('kill-switch.mode', 'live', {}, console);
await provider.onClose();
const next = await createKillSwitch({ store: memoryStore() }); // the domain has been given back
await next.close();
console.log(JSON.stringify({ said, started, answer }));
`;

test('the package that is asked for is the optional peer of package.json', () => {
  expect(peerDependencies[IOREDIS.name]).toBe(IOREDIS.range);
  expect(Object.keys(peerDependenciesMeta)).toEqual([IOREDIS.name]);
});

describe('where ioredis is not installed', () => {
  let folder = '';
  beforeAll(() => {
    folder = installPacked({ without: [IOREDIS.name] });
  });

  test('every entry point is imported and required all the same', () => {
    const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
    const names = JSON.stringify(entries.map((entry) => `openfeature-kill-switch${entry.slice(1)}`));
    const imported = `console.log(JSON.stringify((await Promise.all(${names}.map((name) => import(name)))).length))`;
    expect(run(folder, imported)).toBe(entries.length);
    const required = `process.removeAllListeners('warning');console.log(${names}.map((name) => require(name)).length)`;
    expect(run(folder, required, 'program.cjs')).toBe(entries.length);
  });

  test('what needs it says so in one sentence, with what to do, and without a secret', () => {
    const error = { name: 'KillSwitchError', code: 'MISSING_PACKAGE', message: SENTENCE };
    expect(run(folder, MADE)).toEqual({
      said: { createKillSwitch: error, 'beside a provider': error, openControlPlane: error },
      started: { name: 'GeneralError', code: 'GENERAL', message: expect.stringContaining(SENTENCE) },
      answer: expect.objectContaining({
        value: 'full_stop',
        flagMetadata: expect.objectContaining({ message: expect.stringContaining(SENTENCE) }),
      }),
    });
  });

  test('the command says it too', () => {
    const main = join(folder, 'node_modules/openfeature-kill-switch/dist/operator/cli/main.js');
    const args = ['kill', 'all', '--json', '--store', 'redis://user:s3cret@127.0.0.1:1'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 1, stderr: `${SENTENCE}\n` });
    expect(JSON.parse(stdout)).toEqual({ code: 'MISSING_PACKAGE', detail: SENTENCE });
  });
});

test('where a peer was left out (npm install --legacy-peer-deps), the command says which', { timeout: 90_000 }, () => {
  const folder = installPacked({ without: ['@openfeature/core'] });
  const main = join(folder, 'node_modules/openfeature-kill-switch/dist/operator/cli/main.js');
  const command = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', cwd: folder });
    return { status, stdout, stderr };
  };
  const detail =
    'kill-switch needs the package @openfeature/core, which is not installed: npm install @openfeature/core';
  expect(command('status')).toEqual({ status: 1, stdout: '', stderr: `${detail}\n` });
  expect(command('status', '--json')).toEqual({
    status: 1,
    stderr: `${detail}\n`,
    stdout: `${JSON.stringify({ detail, code: 'MISSING_PACKAGE' })}\n`,
  });
});

test('an ioredis of version 4 is not taken for one', async () => {
  // What it exports: the class itself, without a name.
  const fourth = async () => ({ default: class {} });
  await expect(loadIoredis(fourth)).rejects.toMatchObject({
    code: 'MISSING_PACKAGE',
    message:
      "A store in Redis needs the package ioredis in a version of ^5.3.0 || ^6.0.0, and another one is installed: npm install 'ioredis@^5.3.0 || ^6.0.0'",
  });
});

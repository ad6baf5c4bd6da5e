import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');

const APP = `
import { createKillSwitch } from 'openfeature-kill-switch';
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';
const directory = process.argv[2];
const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'ann' } });
await control.init();
await control.kill({ target: 'agent:x' });
const killSwitch = await createKillSwitch({ store: fileStore({ directory }), agentId: 'x' });
console.log(killSwitch.check().verdict, killSwitch.check().cause.kind);
await killSwitch.close();
await control.close();
`;

/** The same over Redis, whose client is loaded when it is first used. */
const REDIS_APP = APP.replace("store/file/control'", "store/redis/control'")
  .replace("store/file'", "store/redis'")
  .replaceAll('fileControlStore', 'redisControlStore')
  .replaceAll('fileStore', 'redisStore')
  .replace('const directory', 'const url')
  .replaceAll('{ directory }', '{ url }');

/** The line that docs/flagd.md tells people to put before their bundle. */
const banner = (): string => {
  const found = /--banner:js="([^"]+)"/.exec(readFileSync(join(root, 'docs/flagd.md'), 'utf8'))?.[1];
  if (found === undefined) throw new Error('docs/flagd.md names no banner');
  return found;
};

/** Bundles an app with the built package, and runs the bundle alone. */
async function run(options: { readonly banner?: { readonly js: string } }, app = APP, place?: string) {
  const { path } = temporaryFolder('bundle');
  mkdirSync(join(path, 'app/node_modules'), { recursive: true });
  symlinkSync(root, join(path, 'app/node_modules/openfeature-kill-switch'));
  symlinkSync(join(root, 'node_modules/@openfeature'), join(path, 'app/node_modules/@openfeature'));
  if (app === REDIS_APP) symlinkSync(join(root, 'node_modules/ioredis'), join(path, 'app/node_modules/ioredis'));
  writeFileSync(join(path, 'app/app.mjs'), app);
  const outfile = join(path, 'bundle.mjs');
  await build({
    entryPoints: [join(path, 'app/app.mjs')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    logLevel: 'silent',
    ...options,
  });
  const { stdout, stderr, status } = spawnSync(process.execPath, [outfile, place ?? join(path, 'switch')], {
    encoding: 'utf8',
  });
  return { stdout, stderr, status };
}

describe('an app that esbuild has bundled into one ES module', () => {
  test('works with the banner that docs/flagd.md gives', async () => {
    expect(await run({ banner: { js: banner() } })).toMatchObject({ status: 0, stdout: 'block kill\n' });
  });

  test.skipIf(!hasRedis)('has the client of Redis in it', async () => {
    const { url } = await startRedis();
    expect(await run({ banner: { js: banner() } }, REDIS_APP, url)).toMatchObject({
      status: 0,
      stdout: 'block kill\n',
    });
  });

  test('fails without it, with the message that docs/flagd.md names', async () => {
    const { status, stderr } = await run({});
    expect(status).toBe(1);
    expect(stderr).toContain('Dynamic require of "crypto" is not supported');
    expect(readFileSync(join(root, 'docs/flagd.md'), 'utf8')).toContain('Dynamic require of "crypto" is not supported');
  });
});

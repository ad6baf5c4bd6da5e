import { readFileSync, symlinkSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { firstProgram } from '../../operator/cli/first-program.ts';
import { parseStoreUrl } from '../../operator/cli/store-url.ts';
import { root } from '../../scripts/prepare.mjs';
import { hasFlagd, hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { withFreePorts } from '../servers/lifetime.ts';
import { serverPaths } from '../servers/server-paths.ts';
import { follow } from './follow-page.ts';

const page = readFileSync(join(root, 'README.md'), 'utf8');

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('close', () => socket.destroy());
  });

describe('README.md, followed in an empty folder', { timeout: 180_000 }, () => {
  test('begins with a folder', async () => {
    const { agent, blocks, type } = await follow(page, 'Begin: with a folder', { edit: (text) => text });
    expect(blocks.map(({ language }) => language).join()).toBe('sh,ts,sh,text,sh,text,text,sh');
    agent?.child.kill('SIGTERM');
    expect(await agent?.ended).toBe(143);
    expect(await type('npx kill-switch executors --json')).toContain('"count": 0');
  });

  test.skipIf(!hasRedis)('goes on with Redis', async () => {
    const { url } = await startRedis();
    const { blocks } = await follow(page, 'With Redis', {
      edit: (text) => text.replaceAll('redis://localhost:6379', url),
    });
    expect(blocks.map(({ language }) => language).join()).toBe('sh,ts,sh,text');
  });

  test.skipIf(!hasFlagd)('goes on with flagd', () =>
    withFreePorts(4, async (ports) => {
      const [port, management, sync, ofrep] = ports as [number, number, number, number];
      const { path: bin } = temporaryFolder('bin');
      symlinkSync(serverPaths.flagd, join(bin, 'flagd'));
      const own = `--port ${port} --management-port ${management} --sync-port ${sync} --ofrep-port ${ofrep}`;
      const { blocks } = await follow(page, 'With flagd', {
        edit: (text) => text.replace(/^flagd start/, `$& ${own}`).replace('port: 8015', `port: ${sync}`),
        env: { PATH: `${bin}:${process.env['PATH']}` },
        isReady: (line, folder) =>
          line.startsWith('flagd ') ? accepts(sync) : existsSync(join(folder, 'kill-switch.flagd.json')),
      });
      expect(blocks.map(({ language }) => language).join()).toBe('sh,sh,sh,ts,sh,text');
    }),
  );
});

test.each([
  ['Begin: with a folder', 'file:.kill-switch'],
  ['With Redis', 'redis://localhost:6379'],
])('the program of "%s" begins as `kill-switch init` shows it', (heading, url) => {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const printed = firstProgram(parseStoreUrl(url), 'default').join('\n');
  expect(section.split('```ts\n')[1]).toContain(printed.replace(join(process.cwd(), '.kill-switch'), '.kill-switch'));
});

test('what README.md says of files in the package is true', () => {
  const files = [...page.matchAll(/`node_modules\/openfeature-kill-switch\/([^`]+)`/g)].map(([, file = '']) => file);
  expect(files).toEqual(['flags/kill-switch.flagd.json']);
  const { files: packed } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  for (const file of files) expect([existsSync(join(root, file)), packed.includes(file)]).toEqual([true, true]);
});

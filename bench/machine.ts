import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { serverPaths } from '../test/servers/server-paths.ts';
import type { Report } from './results.ts';

const PACKAGES = ['@openfeature/server-sdk', '@openfeature/flagd-core', 'ioredis', 'zod'];

/** What the numbers were measured on. */
export const machine = (): Report['machine'] => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
  cores: availableParallelism(),
  memory_gb: Math.round(totalmem() / 2 ** 30),
  os: `${platform()} ${release().split('-')[0]}`,
});

/** What the numbers were measured with. */
export const versions = (): Report['versions'] => ({
  node: process.versions.node,
  'redis-server': redisVersion(),
  ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
});

const redisVersion = (): string =>
  /v=(\S+)/.exec(execFileSync(serverPaths.redisServer, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';

/** From the package's own file: its entry need not export that. */
function versionOf(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  for (;;) {
    try {
      const found: { name?: string; version?: string } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (found.name === name && found.version) return found.version;
    } catch {
      // this folder has none: the one above
    }
    if (folder === dirname(folder)) return 'unknown';
    folder = dirname(folder);
  }
}

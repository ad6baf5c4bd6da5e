import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, onTestFinished } from 'vitest';
import { install, pack } from '../../scripts/gates/package.mjs';
import { temporaryFolder } from '../servers/index.ts';

// Examples with the package as `npm pack` makes it, each in a folder of its own.

const root = join(import.meta.dirname, '../..');

let modules = '';

/** Before all tests of a file: packs the package, and installs it for the examples that they copy. */
export const installBefore = (): void =>
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
export function copyOf(example: string): string {
  const { path } = temporaryFolder(`example-${example}`);
  cpSync(join(root, 'examples', example), path, { recursive: true });
  symlinkSync(modules, join(path, 'node_modules'));
  return path;
}

/** What a command has printed, and whether anything of it is left. */
export interface Ran {
  readonly code: unknown;
  readonly output: string;
  readonly isGone: boolean;
}

/** Runs a command of package.json to its end. All that it starts is in one group, of which nothing may be left. */
export async function npm(folder: string, script: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
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

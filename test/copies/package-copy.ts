import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');
const SCRIPT = join(import.meta.dirname, 'scenes.mjs');

/** Copies the built package to a folder of its own beside the same OpenFeature SDK; returns the folder. */
export function packageCopy({ branded = true } = {}): string {
  const { path } = temporaryFolder('copy');
  cpSync(join(root, 'dist'), join(path, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(path, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
  if (!branded) withoutBrands(join(path, 'dist'));
  return path;
}

/** Makes the copy as old versions were: it recognises only its own classes, and no other copy recognises them. */
function withoutBrands(dist: string): void {
  const known = 'provider.metadata.name === SWITCH_PROVIDER_NAME';
  let found = false;
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(join(dist, file), 'utf8');
    found ||= text.includes(known);
    writeFileSync(
      join(dist, file),
      text.replaceAll("Symbol.for('openfeature-kill-switch.", "Symbol('").replace(known, 'false'),
    );
  }
  if (!found) throw new Error(`No file of ${dist} says: ${known}`);
}

/** Plays a scene of scenes.mjs in a process of its own and returns what it prints. */
export async function play(scene: string, first: string, second: string): Promise<unknown> {
  const { path } = temporaryFolder('copies-store');
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, scene, first, second, path]);
  return JSON.parse(stdout);
}

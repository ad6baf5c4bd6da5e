import { cpSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from './servers/lifetime.ts';

const require = createRequire(import.meta.url);

/** Where each installed SDK is: its package folder. */
const FOLDERS = {
  'core-oldest': require.resolve('core-oldest'),
  'server-sdk-oldest': require.resolve('server-sdk-oldest'),
  'web-sdk-oldest': require.resolve('web-sdk-oldest'),
  '@openfeature/server-sdk': require.resolve('@openfeature/server-sdk'),
  '@openfeature/web-sdk': require.resolve('@openfeature/web-sdk'),
};
type Installed = keyof typeof FOLDERS;
const folderOf = (name: Installed): string => dirname(dirname(dirname(FOLDERS[name])));

/**
 * The oldest SDK that the package supports. It is copied together with the core of its age into a folder of their own,
 * because beside the newest it would find the newest core.
 */
export async function loadOldest(sdk: 'server-sdk-oldest' | 'web-sdk-oldest'): Promise<unknown> {
  const { path } = temporaryFolder('sdk');
  const scope = join(path, 'node_modules', '@openfeature');
  cpSync(folderOf('core-oldest'), join(scope, 'core'), { recursive: true });
  cpSync(folderOf(sdk), join(scope, 'sdk'), { recursive: true });
  return import(/* @vite-ignore */ pathToFileURL(join(scope, 'sdk', 'dist', 'esm', 'index.js')).href);
}

export function versionOf(name: Installed): string {
  return (JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as { version: string }).version;
}

/** The range of a peer that package.json asks for. */
export function peerRange(name: string): string | undefined {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  return manifest.peerDependencies[name];
}

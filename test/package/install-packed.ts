import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/**
 * A folder in which what `npm pack` makes is installed beside its dependencies and peers, but without these packages.
 * The others are links to those of this repository, or copies where they need one of these.
 */
export function installPacked({ without = [] }: { readonly without?: readonly string[] } = {}): string {
  const { path } = temporaryFolder('installed');
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', path], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ readonly filename: string }];
  execFileSync('tar', ['-xzf', filename], { cwd: path });
  const { name, dependencies, peerDependencies } = manifestOf(join(path, 'package'));
  const modules = join(path, 'node_modules');
  mkdirSync(modules);
  renameSync(join(path, 'package'), join(modules, name));
  const install = (each: string): void => {
    const [from, to] = [join(root, 'node_modules', each), join(modules, each)];
    if (without.includes(each) || existsSync(to)) return;
    mkdirSync(dirname(to), { recursive: true });
    const own = manifestOf(from);
    if (!without.some((missing) => own.peerDependencies?.[missing])) return symlinkSync(from, to);
    // Through a link it would find in this repository what is to be missing.
    cpSync(from, to, { recursive: true });
    for (const needed of Object.keys({ ...own.dependencies, ...own.peerDependencies })) install(needed);
  };
  for (const each of Object.keys({ ...dependencies, ...peerDependencies })) install(each);
  return path;
}

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');

/** A package of two files that is built as this one is. */
function smallPackage() {
  const { path: folder } = temporaryFolder('build');
  const path = (file: string) => join(folder, file);
  for (const file of ['scripts/prepare.mjs', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(root, file), path(file));
  symlinkSync(join(root, 'node_modules'), path('node_modules'));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(path(file)), { recursive: true });
    writeFileSync(path(file), text);
  };
  write('package.json', JSON.stringify({ name: 'small', type: 'module', bin: { small: './dist/index.js' } }));
  write('index.ts', "export { b } from './flags/b.ts';\n");
  write('flags/b.ts', 'export const b = 1;\n');
  return {
    write,
    remove: (file: string) => rmSync(path(file), { recursive: true }),
    read: (file: string) => (existsSync(path(file)) ? readFileSync(path(file), 'utf8') : undefined),
    changed: (file: string) => statSync(path(file)).mtimeMs,
    mode: (file: string) => statSync(path(file)).mode & 0o777,
    build: () =>
      spawnSync(process.execPath, ['--eval', "import('./scripts/prepare.mjs').then(({ build }) => build())"], {
        cwd: folder,
        encoding: 'utf8',
      }),
  };
}

test('dist/ follows each source that is changed, added or removed, and is left alone when none was', () => {
  const small = smallPackage();
  expect(small.build()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^build: dist\/ in /) });
  expect(small.read('dist/flags/b.js')).toContain('b = 1');
  expect(small.mode('dist/index.js')).toBe(0o755);

  const built = small.changed('dist/index.js');
  expect(small.build()).toMatchObject({ status: 0, stdout: '' });
  expect(small.changed('dist/index.js')).toBe(built);

  small.write('flags/b.ts', 'export const b = 2;\n');
  small.write('flags/c.ts', 'export const c = 3;\n');
  expect(small.build().status).toBe(0);
  expect(small.read('dist/flags/b.js')).toContain('b = 2');
  expect(small.read('dist/flags/c.d.ts')).toContain('c = 3');

  small.remove('flags/c.ts');
  expect(small.build().status).toBe(0);
  for (const ending of ['js', 'd.ts']) expect(small.read(`dist/flags/c.${ending}`)).toBeUndefined();
  expect(small.read('dist/flags/b.js')).toContain('b = 2');

  small.remove('dist');
  expect(small.build().status).toBe(0);
  expect(small.read('dist/index.js')).toContain('b.js');
});

test('an error in a source leaves the last good dist/, and the next good build replaces it', () => {
  const small = smallPackage();
  small.build();
  small.write('flags/b.ts', "export const b: number = 'text';\n");
  for (const round of ['first', 'second'])
    expect(small.build(), round).toMatchObject({ status: 1, stdout: expect.stringContaining('TS2322') });
  expect(small.read('dist/flags/b.js')).toContain('b = 1');
  small.write('flags/b.ts', 'export const b: number = 4;\n');
  expect(small.build().status).toBe(0);
  expect(small.read('dist/flags/b.js')).toContain('b = 4');
});

import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileName, filePaths, idOfFileName } from '../../../store/file/paths.ts';
import { ODD_IDS } from '../../../testing/store/confirm.ts';

const anyId = fc.oneof(
  fc.constantFrom(...ODD_IDS),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 512 }).filter((id) => {
    try {
      return fileName(id) !== '';
    } catch {
      return false;
    }
  }),
);

describe('the file name of an id', () => {
  test('is safe on any file system, whatever the id', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        expect(fileName(id)).toMatch(/^[a-z0-9_%~-]{1,180}$/);
      }),
    );
  });

  test('differs for each id', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(fileName(a) === fileName(b)).toBe(a === b);
      }),
    );
    expect(new Set(ODD_IDS.map(fileName)).size).toBe(ODD_IDS.length);
  });

  test('gives back the id unless that was too long', () => {
    for (const id of ODD_IDS) {
      const name = fileName(id);
      expect(idOfFileName(name)).toBe(name.includes('~') ? name : id);
    }
    expect(idOfFileName('%zz')).toBe('%zz');
  });

  test('keeps operators and executors apart', () => {
    expect(filePaths('/x', '../y').log).toBe('/x/control/%2e%2e%2fy/log.jsonl');
    expect(filePaths('/x', '../y').beats).toBe('/x/executors/%2e%2e%2fy/beats');
  });

  test('is refused for an invalid id', () => {
    for (const id of ['', 'a\nb', 'a\0', 'x'.repeat(513), '\ud800']) expect(() => fileName(id)).toThrow('The id');
  });
});

test('a store names its location, and refuses a path that is no folder', () => {
  expect(fileStore({ directory: 'a/b' }).location).toBe(`file:${join(process.cwd(), 'a/b')}`);
  expect(fileControlStore().location).toBe(`file:${join(process.cwd(), '.kill-switch')}`);
  for (const directory of ['', 'a\0b', 7 as never]) {
    for (const make of [fileStore, fileControlStore]) {
      expect(() => make({ directory })).toThrow('The directory of a file store must be the path of a folder.');
    }
  }
});

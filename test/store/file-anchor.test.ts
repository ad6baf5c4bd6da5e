import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Anchor } from '../../flags/index.ts';
import { fileAnchor } from '../../store/file-anchor.ts';
import { temporaryFolder } from '../servers/index.ts';

const anchor = (epoch: number): Anchor => ({
  head: { generation: 'g-1', epoch, hash: 'a'.repeat(64), recovered: false },
  generations: ['g-0', 'g-1'],
});

const place = (...names: string[]): string => {
  const folder = temporaryFolder('anchor');
  onTestFinished(() => {
    chmodSync(folder.path, 0o700);
    folder.remove();
  });
  return join(folder.path, ...names);
};

describe('fileAnchor', () => {
  test('is null before the first write, also where the folder does not exist yet', () => {
    expect(fileAnchor(place('anchor.json')).read()).toBeNull();
    expect(fileAnchor(place('not', 'there', 'anchor.json')).read()).toBeNull();
  });

  test('gives back the last write, also to another process that reads the same file', () => {
    const file = place('new', 'anchor.json');
    const keeper = fileAnchor(file);
    keeper.write(anchor(1));
    keeper.write(anchor(2));
    expect(fileAnchor(file).read()).toEqual(anchor(2));
    expect(readdirSync(dirname(file))).toEqual(['anchor.json']);
  });

  test.each([
    ['empty', ''],
    ['truncated', JSON.stringify(anchor(1)).slice(0, 40)],
    ['not JSON', 'epoch=1'],
    ['of another shape', JSON.stringify({ head: { epoch: 1 }, generations: [] })],
    ['null', 'null'],
  ])('throws at a file that is %s: unreadable is not absent', (_, text) => {
    const file = place('anchor.json');
    writeFileSync(file, text);
    expect(() => fileAnchor(file).read()).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    expect(() => fileAnchor(file).read()).toThrow(file);
  });

  test('throws at something that is no file, and writes nothing over it', () => {
    const file = place('anchor.json');
    mkdirSync(file);
    expect(() => fileAnchor(file).read()).toThrow(expect.objectContaining({ code: 'STORE_UNREACHABLE' }));
    expect(() => fileAnchor(file).write(anchor(1))).toThrow(expect.objectContaining({ code: 'STORE_READ_ONLY' }));
    expect(readdirSync(dirname(file))).toEqual(['anchor.json']);
  });

  test('throws when a part of the path is a file, instead of taking the anchor for absent', () => {
    const file = place('file');
    writeFileSync(file, '');
    expect(() => fileAnchor(join(file, 'anchor.json')).read()).toThrow(
      expect.objectContaining({ code: 'STORE_UNREACHABLE' }),
    );
  });

  test('a write that fails leaves what was there', () => {
    const file = place('anchor.json');
    fileAnchor(file).write(anchor(1));
    const before = readFileSync(file, 'utf8');
    mkdirSync(`${file}.${process.pid}.tmp`); // works for root too, unlike a read-only folder
    expect(() => fileAnchor(file).write(anchor(2))).toThrow(expect.objectContaining({ code: 'STORE_READ_ONLY' }));
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('another process that died while it was writing is no hindrance', () => {
    const file = place('anchor.json');
    writeFileSync(`${file}.1.tmp`, '{"head":');
    fileAnchor(file).write(anchor(3));
    expect(fileAnchor(file).read()).toEqual(anchor(3));
    expect(existsSync(file)).toBe(true);
  });

  test('refuses an empty path', () => {
    expect(() => fileAnchor('')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

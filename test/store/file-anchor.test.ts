import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Anchor } from '../../flags/index.ts';
import { fileAnchor } from '../../store/file-anchor.ts';
import { temporaryFolder } from '../servers/index.ts';
import { mayMount, mounted } from './file/harness.ts';

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

  test.each([
    ['a member', { only_when: 'dark' }],
    ['a member of its head', { head: { ...anchor(9).head, fence: 3 } }],
  ])('throws where a newer version wrote %s into the anchor, and does not replace it', (_, members) => {
    const file = place('anchor.json');
    const text = JSON.stringify({ ...anchor(9), ...members });
    writeFileSync(file, text);
    const unknown = expect.objectContaining({
      code: 'UNKNOWN_ENTRY',
      message: expect.stringMatching(/A newer version/),
    });
    expect(() => fileAnchor(file).read()).toThrow(unknown);
    expect(() => fileAnchor(file).write(anchor(10))).toThrow(unknown);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(readdirSync(dirname(file))).toEqual(['anchor.json']);
  });

  test('throws where there is something that is no anchor, and does not replace it', () => {
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

  test.skipIf(!mayMount)('a write that fails on a full disk leaves the old anchor, and no temporary file', () => {
    const file = place('anchor.json');
    const folder = dirname(file);
    expect(mounted(folder, '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs')).toBe(true);
    fileAnchor(file).write(anchor(1));
    const before = readFileSync(file, 'utf8');
    expect(() => writeFileSync(join(folder, 'others'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
    expect(() => fileAnchor(file).write(anchor(2))).toThrow(expect.objectContaining({ code: 'STORE_READ_ONLY' }));
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(['anchor.json', 'others']);
  });

  test('temporary files of killed processes are removed; those that are being written, and files of others, stay', () => {
    const file = place('anchor.json');
    const leave = (ending: string, ageMs: number): void => {
      writeFileSync(`${file}.${ending}`, '{"head":');
      utimesSync(`${file}.${ending}`, new Date(), new Date(Date.now() - ageMs));
    };
    leave('1.tmp', 120_000); // an older version's
    leave(`${'a'.repeat(24)}.tmp`, 120_000);
    leave(`${'b'.repeat(24)}.tmp`, 0);
    leave('mine.tmp', 120_000);
    fileAnchor(file).write(anchor(3));
    expect(fileAnchor(file).read()).toEqual(anchor(3));
    const kept = ['anchor.json', `anchor.json.${'b'.repeat(24)}.tmp`, 'anchor.json.mine.tmp'];
    expect(readdirSync(dirname(file)).sort()).toEqual(kept);
  });

  test('an older head replaces no newer one, of the same generation or of one that followed', () => {
    const file = place('anchor.json');
    const [ahead, behind] = [fileAnchor(file), fileAnchor(file)];
    ahead.write(anchor(5));
    behind.write(anchor(4));
    expect(behind.read()).toEqual(anchor(5));
    const recovered = (epoch: number): Anchor => ({
      head: { ...anchor(epoch).head, generation: 'g-2', recovered: true },
      generations: ['g-0', 'g-1', 'g-2'],
    });
    ahead.write(recovered(5));
    behind.write(anchor(6)); // it has not seen the recover yet
    expect(behind.read()).toEqual(recovered(5));
    behind.write(recovered(6));
    expect(ahead.read()).toEqual(recovered(6));
    expect(readdirSync(dirname(file))).toEqual(['anchor.json']);
  });

  test('a pipe in its place is refused instead of waited for, and so is a file that is too large for an anchor', () => {
    const file = place('anchor.json');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    expect(() => fileAnchor(file).read()).toThrow(expect.objectContaining({ code: 'STORE_UNREACHABLE' }));
    const large = place('anchor.json');
    writeFileSync(large, Buffer.alloc(2 ** 21, ' '));
    expect(() => fileAnchor(large).read()).toThrow(expect.objectContaining({ code: 'STORE_UNREACHABLE' }));
  });

  test('refuses an empty path', () => {
    expect(() => fileAnchor('')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

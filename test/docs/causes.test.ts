import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { causesOf } from '../flags/causes.ts';

test('docs/guard.md names every kind of cause that a decision may have', () => {
  const page = readFileSync(join(root, 'docs/guard.md'), 'utf8');
  const [list = ''] = /`decision\.cause` is a union by `kind`:.*/.exec(page) ?? [];
  const kinds = Object.keys(causesOf);
  expect(kinds.length).toBeGreaterThan(5);
  expect(kinds.filter((kind) => !list.includes(`\`${kind}\``))).toEqual([]);
});

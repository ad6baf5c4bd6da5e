import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../flags/errors.ts';
import { FAULT_CODES } from '../../flags/faults.ts';
import { root } from '../../scripts/prepare.mjs';
import { type Opened, takers } from '../public-options.ts';

const page = readFileSync(`${root}/docs/options.md`, 'utf8');

interface Section {
  readonly names: readonly string[];
  /** The first column of its table. */
  readonly rows: readonly string[];
}

/** What stands below each heading of this level. */
function sections(level: string): readonly Section[] {
  const [, ...parts] = page.split(new RegExp(`^${level} `, 'm'));
  return parts.map((part) => {
    const [heading = ''] = part.split('\n', 1);
    const [own = ''] = part.split(/^##+ /m);
    return {
      names: heading.replaceAll('`', '').split(', ').map(lower),
      rows: [...own.matchAll(/^\| `([^`]+)` /gm)].map(([, first = '']) => first),
    };
  });
}

const lower = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** The options of each function, by its name in the page; those that cannot stand together are of one function. */
function optionsInCode(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [name, { right }] of Object.entries(takers({} as Opened))) {
    const shown = lower(name.replace(/ with (a|its) \w+$/, ''));
    const options = found.get(shown) ?? new Set();
    for (const option of Object.keys(right)) options.add(option);
    found.set(shown, options);
  }
  return found;
}

test('docs/options.md has every option of every function, and no other', () => {
  const code = optionsInCode();
  const shown = sections('###').flatMap(({ names, rows }) => names.map((name) => [name, rows] as const));
  expect(shown.map(([name]) => name).sort()).toEqual([...code.keys()].sort());
  for (const [name, rows] of shown)
    expect([name, [...rows].sort()]).toEqual([name, [...(code.get(name) ?? [])].sort()]);
});

test.each([
  ['faults', FAULT_CODES],
  ['errors', ERROR_CODES],
] as const)('docs/options.md has the code of all %s, and no other', (heading, codes) => {
  const rows = sections('##').find(({ names }) => names.includes(heading))?.rows ?? [];
  expect([...rows].sort()).toEqual([...codes].sort());
});

test('each row says what it means and what to do', () => {
  const [, faults = ''] = page.split('## Faults');
  for (const [line, code] of faults.matchAll(/^\| `([A-Z_]+)` .*$/gm)) {
    const cells = line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim());
    expect(cells, code).toHaveLength(3);
    for (const cell of cells) expect(cell, code).not.toBe('');
  }
});

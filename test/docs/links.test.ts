import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, root } from '../../scripts/prepare.mjs';

const PAGES = [
  'README.md',
  'SECURITY.md',
  ...filesBelow(root, ['.md'], 'docs'),
  ...filesBelow(root, ['.md'], 'examples'),
];

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** How GitHub names a heading in a link. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (page: string): readonly string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

test.each(PAGES)('each link of %s leads to a file, and to a heading that is in it', (page) => {
  for (const [, path = '', anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
    const to = path === '' ? page : join(dirname(page), path);
    expect([to, existsSync(join(root, to))]).toEqual([to, true]);
    if (anchor !== undefined) expect(anchorsOf(to), `${page} leads to ${to}#${anchor}`).toContain(anchor);
  }
});

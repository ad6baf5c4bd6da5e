import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';

test('docs/performance.md says how many of its goals are missed', () => {
  const page = readFileSync(join(root, 'docs/performance.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /\| (yes|no) +\|$/.test(line));
  const missed = rows.filter((line) => /\| no +\|$/.test(line));
  const words = ['no', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten'];
  words.push('Eleven', 'Twelve', 'Thirteen', 'Fourteen', 'Fifteen');
  words.push('Sixteen', 'Seventeen', 'Eighteen', 'Nineteen', 'Twenty');
  expect(rows).toHaveLength(38);
  expect(page).toContain(`${words[missed.length]} of the thirty-eight goals are not met`);
});

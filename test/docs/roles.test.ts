import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { rolesPage } from './roles-page.ts';

test('docs/roles.md is what the control plane reads', async () => {
  const page = rolesPage();
  expect(page).toContain('| `kill`, `pause`, `restrict` | – | its own agents | yes | yes | yes | yes |');
  await expect(page).toMatchFileSnapshot(join(root, 'docs/roles.md'));
});

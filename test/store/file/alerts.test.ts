import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileAlerts } from '../../../store/file/alerts.ts';
import { temporaryFolder } from '../../servers/index.ts';

test('the address of a removed alert does not stay where its writer died before it was emptied', async () => {
  const folder = join(temporaryFolder('alerts').path, 'alerts');
  mkdirSync(folder);
  // As a process leaves it that dies between the two steps of a removal; and one that was replaced, and is there.
  const files = {
    'target-a.1': 'https://hooks.test/secret',
    'target-a.2': '',
    'target-b.3': 'old',
    'target-b.4': 'new',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const alerts = fileAlerts(folder, () => {});
  expect(await alerts.swap('sender', null, 'me')).toBe(true);
  const left = Object.keys(files).map((name) => readFileSync(join(folder, name), 'utf8'));
  expect(left).toEqual(['', '', 'old', 'new']);
  expect(await alerts.read(['target-a', 'target-b'])).toEqual(new Map([['target-b', 'new']]));
});

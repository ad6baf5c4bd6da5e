import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION } from '../../store/version.ts';

test('executors report the version that package.json has', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(VERSION).toBe(version);
});

import { expect, test } from 'vitest';
import { firstProgram } from '../../../operator/cli/first-program.ts';
import { parseStoreUrl } from '../../../operator/cli/store-url.ts';

test('what init prints for a service is JavaScript, whatever its folder and organization are called', () => {
  const lines = (url: string, organization = 'default') => firstProgram(parseStoreUrl(url), organization);
  expect(lines('file:/srv/shop')).toContain("  store: fileStore({ directory: '/srv/shop' }),");
  expect(lines("file:/srv/ann's")).toContain(`  store: fileStore({ directory: "/srv/ann's" }),`);
  expect(lines('file:/srv/\u200b')).toContain('  store: fileStore({ directory: "/srv/\\u200b" }),');
  expect(lines('redis://localhost', 'acme')).toContain("  organizationId: 'acme',");
  expect(lines('redis://localhost')).not.toContainEqual(expect.stringContaining('organizationId'));
  const secret = lines('redis://ann:hunter2@localhost').join('\n');
  expect(secret).toContain('process.env.REDIS_URL');
  expect(secret).not.toContain('hunter2');
});

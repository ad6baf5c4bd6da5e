// The same tests once more, with every import of the server SDK, ours and the tests', turned to the oldest one that is
// supported.
import { vi } from 'vitest';

vi.mock('@openfeature/server-sdk', async () => {
  const { loadOldest } = await import('../sdk-versions.ts');
  return (await loadOldest('server-sdk-oldest')) as object;
});

await import('./provider-hooks.test.ts');

import { describe, test } from 'vitest';
import { storeConformance } from '../../../testing/index.ts';
import { openFileHarness } from './harness.ts';

describe('the file store conforms', () => {
  for (const { name, run } of storeConformance({ open: openFileHarness })) test(name, run);
});

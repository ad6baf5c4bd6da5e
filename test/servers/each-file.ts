// Runs before each test file: servers end with the test that started them, or with the file.
import { afterAll, inject, onTestFinished } from 'vitest';
import { onEachStart, stopAll } from './lifetime.ts';
import { setServerPaths } from './server-paths.ts';

setServerPaths(inject('servers'));
onEachStart((stop) => {
  try {
    onTestFinished(stop);
  } catch {
    // not in a test (for instance in beforeAll): it ends with the file
  }
});
afterAll(stopAll);

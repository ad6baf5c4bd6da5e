// Runs before each test file: servers end with the test that started them, or with the file.
import { afterAll, inject, onTestFinished, TestRunner } from 'vitest';
import { onEachStart, stopAll, temporaryFolder } from './lifetime.ts';
import { setServerPaths } from './server-paths.ts';

// Executors keep their anchors in the user's state directory: of tests, and of the processes that they start, in a folder that goes with them.
process.env['XDG_STATE_HOME'] = temporaryFolder('state').path;
setServerPaths(inject('servers'));
onEachStart((stop) => {
  if (TestRunner.getCurrentTest()?.concurrent) return; // of several at once nobody knows which one it is: that test ends it itself, or the file
  try {
    onTestFinished(stop);
  } catch {
    // not in a test (for instance in beforeAll): it ends with the file
  }
});
afterAll(stopAll);

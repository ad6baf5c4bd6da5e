// Runs before each test file: what a test has started ends with it, or with the file.
import { afterAll, onTestFinished, TestRunner } from 'vitest';
import { onEachStart, stopAll, temporaryFolder } from './servers/lifetime.ts';

// Executors keep their anchors in the user's state directory: of tests, and of the processes that they start, in a
// folder that goes with them.
process.env['XDG_STATE_HOME'] = temporaryFolder('state').path;
onEachStart((stop) => {
  // Of several tests at once nobody knows which one it is: that test ends it itself, or the file.
  if (TestRunner.getCurrentTest()?.concurrent) return;
  try {
    onTestFinished(stop);
  } catch {
    // not in a test (for instance in beforeAll): it ends with the file
  }
});
afterAll(stopAll);

// A vitest reporter: a run ends with a line for each suite, and the last is `N passed, N failed, N skipped`, for people
// and programs alike.
import { leftIn } from './own-tmpdir.mjs';

/** Set by test.mjs: the gates are counted with the tests, and so is what both have left in a temporary folder. */
const { GATES_PASSED = '0', GATES_FAILED = '0', OWN_TMPDIR } = process.env;
// They are of this run, and not of one that a test of it starts.
for (const name of ['GATES_PASSED', 'GATES_FAILED', 'OWN_TMPDIR']) delete process.env[name];

/** A vitest `Reporter`. */
export default class ClosingLine {
  /** @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} errors thrown outside any test */
  onTestRunEnd(modules, errors) {
    /** @type {Record<string, Counts>} */
    const suites = {};
    for (const module of modules) {
      const suite = (suites[module.project.name] ??= { passed: 0, failed: 0, skipped: 0 });
      if (module.errors().length > 0) suite.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        suite[state === 'pending' ? 'skipped' : state] += 1;
      }
    }
    const total = { passed: Number(GATES_PASSED), failed: Number(GATES_FAILED) + errors.length, skipped: 0 };
    for (const { passed, failed, skipped } of Object.values(suites)) {
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
    }
    // a run that tested nothing is no pass
    if (!Object.values(suites).some(({ passed }) => passed > 0)) total.failed += 1;
    if (total.failed > 0) process.exitCode = 1;
    process.once('exit', () => {
      // Not before: what the workers have started ends with them.
      const left = OWN_TMPDIR === undefined ? [] : leftIn(OWN_TMPDIR);
      if (left.length > 0) {
        total.failed += 1;
        process.exitCode = 1;
        console.log(`left behind in the temporary folder: ${left.join(', ')}`);
      }
      for (const [name, suite] of Object.entries(suites)) console.log(`${name}: ${inWords(suite)}`);
      console.log(inWords(total));
    });
  }
}

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @param {Counts} counts */
const inWords = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

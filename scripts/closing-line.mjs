// A vitest reporter: the last line of a run is `N passed, N failed, N skipped`, for people and programs alike.

/** Set by test.mjs: the gates are counted with the tests. */
const { GATES_PASSED = '0', GATES_FAILED = '0' } = process.env;

/** A vitest `Reporter`. */
export default class ClosingLine {
  /** @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} errors thrown outside any test */
  onTestRunEnd(modules, errors) {
    const counts = { passed: Number(GATES_PASSED), failed: Number(GATES_FAILED), skipped: 0 };
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    for (const test of tests) {
      const { state } = test.result();
      counts[state === 'pending' ? 'skipped' : state] += 1;
    }
    counts.failed += errors.length + modules.filter((module) => module.errors().length > 0).length;
    if (!tests.some((test) => test.result().state === 'passed')) counts.failed += 1; // a run that tested nothing is no pass
    if (counts.failed > 0) process.exitCode = 1;
    process.once('exit', () =>
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`),
    );
  }
}

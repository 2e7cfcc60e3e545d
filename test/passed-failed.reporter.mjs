/**
 * Ends a test run with one plain line, `N passed, N failed`, which CI reads; Jest's own summary is for people.
 * A test file that could not run counts as a failure, and in CI a skipped test fails the run: nothing is skipped
 * silently. Plain JavaScript, because Jest loads it as it stands.
 */
export default class PassedFailedReporter {
  #chosenByName;
  #skipped = 0;

  constructor(globalConfig) {
    // `-t name` leaves out tests on purpose.
    this.#chosenByName = Boolean(globalConfig.testNamePattern);
  }

  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    this.#skipped = results.numPendingTests + results.numTodoTests;
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    const refusal = this.getLastError();
    // At the exit, since Jest's summary comes after all other reporters.
    process.once('exit', () => {
      if (refusal) process.stdout.write(`${refusal.message}\n`);
      process.stdout.write(`\n${results.numPassedTests} passed, ${failed} failed${skipped}\n`);
    });
  }

  /** Jest ends with a code other than 0 when a reporter gives an error here. */
  getLastError() {
    if (this.#skipped === 0 || this.#chosenByName || !process.env.CI) return undefined;
    return new Error(`${this.#skipped} tests were skipped, and in CI every test has to run.`);
  }
}

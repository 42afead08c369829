/** PURE. Owns reading vitest's JSON report: the closing line, the names of what was skipped. */

/**
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {boolean} success
 * @property {readonly { name: string, status: string, message?: string, assertionResults: readonly { fullName: string, status: string }[] }[]} testResults
 */

/**
 * @typedef {object} Summary
 * @property {number} passed tests
 * @property {number} failed tests, and files that failed without one
 * @property {readonly string[]} skipped full names, sorted
 */

/**
 * @param {Report} report as vitest writes it
 * @returns {Summary}
 */
export function summarize(report) {
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  );
  const skipped = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => fullName),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: skipped.toSorted((a, b) => (a < b ? -1 : 1)),
  };
}

/**
 * The closing line of a run.
 * @param {Summary} summary counts
 * @returns {string}
 */
export function closingLine({ passed, failed, skipped }) {
  const counts = `${passed} passed, ${failed} failed`;
  return skipped.length === 0 ? counts : `${counts}, ${skipped.length} skipped`;
}

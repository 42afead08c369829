import { describe, expect, it } from 'vitest';
import { closingLine, summarize } from '../../bin/setup/test-summary.js';

const file = (status: string, tests: readonly (readonly [string, string])[]) => ({
  name: 'x.test.ts',
  status,
  assertionResults: tests.map(([fullName, one]) => ({ fullName, status: one })),
});

const report = (
  counts: Partial<{ numPassedTests: number; numFailedTests: number }>,
  testResults: readonly ReturnType<typeof file>[],
) => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  success: true,
  ...counts,
  testResults,
});

describe('the closing line of a run', () => {
  it('counts what passed and failed', () => {
    const summary = summarize(
      report({ numPassedTests: 1, numFailedTests: 1 }, [
        file('failed', [
          ['a', 'passed'],
          ['b', 'failed'],
        ]),
      ]),
    );
    expect(closingLine(summary)).toBe('1 passed, 1 failed');
  });

  it('counts a file that broke before its first test', () => {
    expect(closingLine(summarize(report({}, [file('failed', [])])))).toBe('0 passed, 1 failed');
  });

  it('names all that was skipped', () => {
    const skipped = [
      ['b', 'skipped'],
      ['a', 'todo'],
      ['c', 'pending'],
      ['d', 'passed'],
    ] as const;
    const summary = summarize(report({ numPassedTests: 1 }, [file('passed', skipped)]));
    expect(summary.skipped).toEqual(['a', 'b', 'c']);
    expect(closingLine(summary)).toBe('1 passed, 0 failed, 3 skipped');
  });
});

/** Owns the checks that run before the tests: format, lint, types, dead code. */
import path from 'node:path';
import { describeFailure, say, SetupFailure } from './failure.js';
import { run } from './run.js';

/** @type {readonly { name: string, argv: readonly string[], fix: string }[]} */
const CHECKS = [
  { name: 'format', argv: ['prettier', '--check', '--log-level=warn', '.'], fix: 'npm run format' },
  { name: 'lint', argv: ['oxlint', '--type-aware', '--quiet'], fix: 'see above' },
  { name: 'types', argv: ['tsc', '-p', '.'], fix: 'see above' },
  { name: 'dead code', argv: ['knip'], fix: 'remove what nothing uses' },
];

/**
 * Runs all checks at once and shows the output of those that fail.
 * @param {string} root of the working tree
 * @returns {Promise<boolean>} whether all passed
 */
export async function runChecks(root) {
  const bin = path.join(root, 'node_modules/.bin');
  const results = await Promise.all(
    CHECKS.map(async ({ name, argv: [program = '', ...args], fix }) => {
      const { exitCode, stdout, stderr } = await run([path.join(bin, program), ...args], { cwd: root });
      if (exitCode === 0) return true;
      const failure = new SetupFailure(1, `the ${name} check failed`, {
        why: `${program} exit code ${exitCode}`,
        fix,
      });
      process.stderr.write(`${stdout}${stderr}\n${describeFailure(failure)}\n`);
      return false;
    }),
  );
  if (results.every(Boolean)) say(`checked: ${CHECKS.map(({ name }) => name).join(', ')}`);
  return results.every(Boolean);
}

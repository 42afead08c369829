/** Owns a run of the tests: all of them in a sandbox, or, where sandboxes are forbidden, those that need none. */
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { say } from './failure.js';
import { runInForeground } from './run.js';
import { SANDBOX_ADVICE, sandboxArgv, whyNoSandbox } from './sandbox.js';
import { closingLine, summarize } from './test-summary.js';

/** Folders of the vitest project `real`: what needs a sandbox. */
const REAL = ['test/cluster', 'test/contract'];

/**
 * Runs vitest and prints the closing line last.
 * @param {{ root: string, env: NodeJS.ProcessEnv, args: readonly string[] }} options args are vitest's own
 * @returns {Promise<number>} vitest's exit code; 1 if CI skipped something
 */
export async function runTests({ root, env, args }) {
  const isRoot = process.getuid?.() === 0;
  const forbidden = await whyNoSandbox(isRoot, env);
  const report = path.join(root, `.cache/test-report-${process.pid}.json`);
  await mkdir(path.dirname(report), { recursive: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const vitest = [
    process.execPath,
    path.join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...reporters,
    ...args,
  ];
  const argv = forbidden === undefined ? sandboxArgv(vitest, isRoot) : [...vitest, '--project=unit'];
  const leftOut = forbidden === undefined ? [] : await realTests(root);
  const exitCode = await runInForeground(argv, { cwd: root, env, isSandbox: forbidden === undefined });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  await rm(report, { force: true });
  if (text === undefined) {
    say('vitest left no report: it did not run to its end');
    return exitCode === 0 ? 1 : exitCode;
  }
  return conclude(exitCode, summarize(JSON.parse(text)), { forbidden, leftOut });
}

/**
 * Says what was skipped, then the closing line.
 * @param {number} exitCode of vitest
 * @param {import('./test-summary.js').Summary} summary of its report
 * @param {{ forbidden: string | undefined, leftOut: readonly string[] }} sandbox why there was none; files not run
 * @returns {number} the exit code of the run
 */
function conclude(exitCode, summary, { forbidden, leftOut }) {
  const skipped = [...summary.skipped, ...leftOut];
  if (forbidden !== undefined) say(`no sandbox here (${forbidden}); to allow it: ${SANDBOX_ADVICE}`);
  for (const name of skipped) say(`skipped: ${name}`);
  const failedBySkip = skipped.length > 0 && isSet(process.env['CI']);
  if (failedBySkip) say('in CI a skip is a failure');
  process.stdout.write(`${closingLine({ ...summary, skipped })}\n`);
  return exitCode === 0 && failedBySkip ? 1 : exitCode;
}

/**
 * @param {string | undefined} value of an environment variable
 * @returns {boolean}
 */
function isSet(value) {
  return value !== undefined && !['', '0', 'false'].includes(value);
}

/**
 * @param {string} root of the working tree
 * @returns {Promise<readonly string[]>} test files that need a sandbox
 */
async function realTests(root) {
  const lists = await Promise.all(
    REAL.map(async (folder) => {
      const names = await readdir(path.join(root, folder), { recursive: true });
      return names.filter((name) => name.endsWith('.test.ts')).map((name) => `${folder}/${name}`);
    }),
  );
  return lists.flat();
}

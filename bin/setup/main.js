/**
 * Owns the set-up in one command: `npm run quickstart`, `npm test`. Brings what is missing into the working tree, never
 * into the system. Plain JavaScript without dependencies, because it runs before there are any.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './build-stamp.js';
import { runChecks } from './checks.js';
import { checkRoot, DRIVER_REQUIREMENTS, runDriverTests } from './drivers.js';
import { SetupFailure, describeFailure, say } from './failure.js';
import { withLock } from './lock.js';
import { ensureModules } from './modules.js';
import { checkNodeVersion } from './node-version.js';
import { BENCH_REQUIREMENTS, DASHBOARD_REQUIREMENTS, REQUIREMENTS } from './packages.js';
import { runInForeground } from './run.js';
import { runTests } from './test-run.js';
import { ensureTools } from './tools.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Other people's clients that tests run; modules of their own, which nothing else sees. */
const EUREKA_CLIENTS = path.join(ROOT, 'test/clients/eureka');

const USAGE = `usage: node bin/setup/main.js COMMAND
  setup                 bring node modules, programs and dist/ up to date
  quickstart [ARG...]   setup, then: sluice dev ARG...
  run [ARG...]          setup, then: sluice ARG...
  check                 setup, then format, lint, types, dead code
  bench:dataplane       setup with the programs to compare with, then that benchmark
  test:dashboard        setup with Chromium, then the test of the dashboard in it
  test:drivers [ARG...] setup with podman, then the tests of drivers that need it or systemd; needs root
  test [ARG...]         check, then all tests in a sandbox; with ARG... only: vitest run ARG...
`;

/**
 * Brings everything up to date, in a tree that no other set-up works on.
 * @param {Parameters<typeof ensureTools>[1]} [tools] which programs
 * @returns {Promise<NodeJS.ProcessEnv>} the environment to run in
 */
async function prepare(tools) {
  return await withLock(ROOT, async () => {
    await ensureModules(ROOT);
    const PATH = await ensureTools(ROOT, tools);
    await ensureBuilt(ROOT);
    return { ...process.env, PATH };
  });
}

/** @type {Readonly<Record<string, (args: readonly string[]) => Promise<number>>>} */
const COMMANDS = {
  setup: async () => {
    await prepare();
    await withLock(ROOT, async () => ensureModules(EUREKA_CLIENTS));
    return 0;
  },
  quickstart: async (args) => {
    const env = await prepare();
    return await runInForeground([process.execPath, path.join(ROOT, 'bin/sluice.js'), 'dev', ...args], {
      env,
    });
  },
  run: async (args) => {
    const env = await prepare();
    return await runInForeground([process.execPath, path.join(ROOT, 'bin/sluice.js'), ...args], { env });
  },
  check: async () => {
    await prepare();
    return (await runChecks(ROOT)) ? 0 : 1;
  },
  'bench:dataplane': async () => {
    const env = await prepare({ requirements: [...REQUIREMENTS, ...BENCH_REQUIREMENTS], link: 'bench-bin' });
    return await runTests({ root: ROOT, env, args: ['--config', 'test/bench/dataplane/vitest.config.ts'] });
  },
  'test:dashboard': async () => {
    const requirements = [...REQUIREMENTS, ...DASHBOARD_REQUIREMENTS];
    const env = await prepare({ requirements, link: 'dashboard-bin' });
    return await runTests({ root: ROOT, env, args: ['--config', 'test/dashboard/vitest.config.ts'] });
  },
  'test:drivers': async (args) => {
    checkRoot();
    const env = await prepare({
      requirements: [...REQUIREMENTS, ...DRIVER_REQUIREMENTS],
      link: 'drivers-bin',
    });
    return await runDriverTests({ root: ROOT, env, args });
  },
  test: async (args) => {
    const env = await prepare();
    await withLock(ROOT, async () => ensureModules(EUREKA_CLIENTS));
    const checked = args.length > 0 || (await runChecks(ROOT));
    const exitCode = await runTests({ root: ROOT, env, args });
    if (!checked) say('the checks before the tests failed; npm run check shows them alone');
    return exitCode === 0 && !checked ? 1 : exitCode;
  },
};

/**
 * @param {readonly string[]} argv command and its arguments
 * @returns {Promise<number>} exit code
 */
async function main([name = '', ...args]) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stderr.write(USAGE);
    return 64;
  }
  try {
    checkNodeVersion(process.versions.node);
    return await command(args);
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`${describeFailure(error)}\n`);
    return error.exitCode;
  }
}

process.exitCode = await main(process.argv.slice(2));

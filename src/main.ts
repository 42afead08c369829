/**
 * Owns the process edge: argv, streams, signals and the exit. The only process.exit. Wires what the command line needs; everything
 * heavy is imported when it is first used.
 */
import { hostname, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli/cli.ts';
import type { CliDeps } from './cli/deps.ts';
import { EXIT_CODES, exitCodeOf, SluiceError } from './errors.ts';
import { randomId, randomSecret, systemClock } from './host/clock.ts';

/** How long a command may take to end after the first signal. */
const GRACE_MS = 5_000;

const SIGNALS = [
  { name: 'SIGINT', code: 'interrupted' },
  { name: 'SIGTERM', code: 'terminated' },
] as const;

/** The first signal aborts; a second one, or 5 s, ends the process at once. */
function listenToSignals(): AbortSignal {
  const controller = new AbortController();
  for (const { name, code } of SIGNALS) {
    process.on(name, () => {
      const { exit } = EXIT_CODES[code];
      if (controller.signal.aborted) process.exit(exit);
      setTimeout(() => process.exit(exit), GRACE_MS).unref();
      const why = 'it was still at work; what it printed until then holds';
      const fix = 'run it again';
      controller.abort(new SluiceError(code, `stopped by ${name}`, { why, fix }));
    });
  }
  return controller.signal;
}

/** A reader that goes away ends the process quietly; there is nobody left to tell on stderr. */
function listenToClosedPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Login name for the audit record: the user behind sudo where there is one. */
function actorName(): string {
  try {
    return process.env['SUDO_USER'] ?? userInfo().username;
  } catch {
    // No passwd entry for this uid (containers): the number is the name.
    return String(process.getuid?.() ?? 'unknown');
  }
}

function userConfigPath(): string | undefined {
  const { XDG_CONFIG_HOME: xdg, HOME: home } = process.env;
  // The XDG rule: what is not an absolute path counts as not set.
  const base = [xdg, path.join(home ?? '', '.config')].find((folder) => folder?.startsWith('/'));
  return base === undefined ? undefined : path.join(base, 'sluice', 'config.yaml');
}

async function writeBugLog(stack: string): Promise<string | undefined> {
  const { writeFile } = await import('node:fs/promises');
  const file = path.join(tmpdir(), `sluice-bug-${randomId()}.log`);
  try {
    await writeFile(file, stack, { mode: 0o600, flag: 'wx' });
    return file;
  } catch {
    return undefined;
  }
}

/** The build puts the small programs beside this file. */
const built = (name: string): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url)),
];

function devPrograms(): CliDeps['programs'] {
  return {
    sluice: [process.execPath, process.argv[1] ?? ''],
    instance: built('instance'),
    load: built('load'),
  };
}

function onResync(resync: () => void): () => void {
  process.on('SIGHUP', resync);
  return () => process.off('SIGHUP', resync);
}

/** Resolves when everything written so far has left the process. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

/** What nobody caught is a bug: said in the usual form, and never with a page of bundled source. */
async function dieOfBug(bug: unknown): Promise<never> {
  await reportBug(bug);
  process.exit(exitCodeOf(bug));
}

function onBug(bug: unknown): void {
  void dieOfBug(bug);
}

async function reportBug(error: unknown): Promise<void> {
  const { formatError, stackOf } = await import('./cli/error-output.ts');
  const { PLAIN } = await import('./cli/palette.ts');
  const logFile = await writeBugLog(stackOf(error));
  const style = { json: false, debug: process.argv.includes('--debug'), palette: PLAIN, logFile };
  process.stderr.write(formatError(error, style));
}

async function main(): Promise<void> {
  // Deprecations inside dependencies are for their authors, not for who reads stderr (grpc-js: TLS to an IP address, DEP0123).
  process.noDeprecation = !process.argv.includes('--debug');
  listenToClosedPipes();
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
  const deps: CliDeps = {
    io: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env },
    clock: systemClock,
    signal: listenToSignals(),
    openStore: async (settings) => {
      const { openStore } = await import('./store/open.ts');
      return openStore({ ...settings, username: settings.user, clock: systemClock });
    },
    newId: randomId,
    newSecret: randomSecret,
    random: Math.random,
    get actor() {
      return actorName();
    },
    get host() {
      return hostname();
    },
    configPaths: { system: '/etc/sluice/config.yaml', user: userConfigPath() },
    programs: devPrograms(),
    exec: async (...args) => (await import('./host/exec.ts')).exec(...args),
    uid: process.getuid?.() ?? 0,
    pid: process.pid,
    onResync,
    writeBugLog,
  };
  const code = await runCli(process.argv.slice(2), deps);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(code);
}

await main();

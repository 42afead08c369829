/** Owns one run of the command line, from arguments to exit code. Prints failures; must not exit. */
import { CommanderError } from 'commander';
import { EXIT_CODES, exitCodeOf, type ResultCode, SluiceError } from '../errors.ts';
import type { CliDeps } from './deps.ts';
import { isTerminal, widthOf } from './io.ts';
import type { Run } from './define.ts';
import { buildProgram } from './program.ts';
import type { Settings } from './settings.ts';
import type { ForeignExit } from './runner.ts';

/** True if failures are to be written as JSON: what the flags or the environment say, even where the flags do not parse. */
function wantsJson(argv: readonly string[], variable: string | undefined): boolean {
  const end = argv.indexOf('--');
  const flags = end < 0 ? argv : argv.slice(0, end);
  let format = variable;
  for (const [index, word] of flags.entries()) {
    if (word === '-o' || word === '--output') format = flags[index + 1];
    else if (word.startsWith('--output=')) format = word.slice('--output='.length);
    else if (/^-o./.test(word)) format = word.slice(2);
  }
  return format === 'json' || format === 'jsonl';
}

/** What is known of a run when it fails. */
interface FailedRun {
  readonly argv: readonly string[];
  readonly deps: CliDeps;
  /** Undefined if it failed before the settings were resolved: then flags and environment tell. */
  readonly settings: Settings | undefined;
}

/** Writes a failure to stderr. */
async function report(failure: unknown, { argv, deps, settings }: FailedRun): Promise<void> {
  const [{ formatError, stackOf }, { useColor, colorChoiceIn }, { isJson }, { paletteFor }] =
    await Promise.all([
      import('./error-output.ts'),
      import('./color-choice.ts'),
      import('./output/format.ts'),
      import('./palette.ts'),
    ]);
  const { io } = deps;
  const isBug = exitCodeOf(failure) === EXIT_CODES.internal.exit;
  const choice = settings?.color ?? colorChoiceIn(argv, io.env);
  const text = formatError(failure, {
    json: settings === undefined ? wantsJson(argv, io.env['SLUICE_OUTPUT']) : isJson(settings.output),
    debug: settings?.debug ?? argv.includes('--debug'),
    palette: await paletteFor(useColor(choice, io.env, isTerminal(io.stderr))),
    logFile: isBug ? await deps.writeBugLog(stackOf(failure)) : undefined,
  });
  io.stderr.write(text);
}

/** What was interrupted by SIGTERM ends with the code of SIGTERM. */
function underSignal(error: unknown, signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  const isInterrupted = error instanceof SluiceError && error.code === 'interrupted';
  if (!isInterrupted || !(reason instanceof SluiceError) || reason.code === 'interrupted') return error;
  return new SluiceError(reason.code, error.message, {
    why: error.why,
    fix: error.fix,
    details: error.details,
    cause: error,
  });
}

/**
 * Runs one command line.
 * @param argv arguments without node and script
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  let result = 'ok' as ResultCode | ForeignExit;
  let settings = undefined as Settings | undefined;
  const onSettings = (resolved: Settings): void => {
    settings = resolved;
  };
  const run: Run = async (command, mode, body) => {
    const { runBody } = await import('./runner.ts');
    result = await runBody(deps, command, { argv, mode, body, onSettings });
  };
  const { stdout } = deps.io;
  const program = buildProgram(run, {
    write: (text: string) => stdout.write(text),
    width: widthOf(stdout) ?? 100,
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return typeof result === 'string' ? EXIT_CODES[result].exit : result.exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = underSignal(error, deps.signal);
    await report(failure, { argv, deps, settings });
    return exitCodeOf(failure);
  }
}

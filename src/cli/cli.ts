/** Owns one run of the command line, from arguments to exit code. Prints failures; must not exit. */
import { CommanderError } from 'commander';
import { EXIT_CODES, exitCodeOf, type ResultCode } from '../errors.ts';
import type { CliDeps } from './deps.ts';
import { isTerminal, widthOf } from './io.ts';
import { buildProgram } from './program.ts';

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

/** Writes a failure to stderr. */
async function report(error: unknown, argv: readonly string[], deps: CliDeps): Promise<void> {
  const [{ formatError, stackOf }, { useColor, colorChoiceIn }, { paletteFor }] = await Promise.all([
    import('./error-output.ts'),
    import('./color-choice.ts'),
    import('./palette.ts'),
  ]);
  const { io } = deps;
  const isBug = exitCodeOf(error) === EXIT_CODES.internal.exit;
  const text = formatError(error, {
    json: wantsJson(argv, io.env['SLUICE_OUTPUT']),
    debug: argv.includes('--debug'),
    palette: await paletteFor(useColor(colorChoiceIn(argv, io.env), io.env, isTerminal(io.stderr))),
    logFile: isBug ? await deps.writeBugLog(stackOf(error)) : undefined,
  });
  io.stderr.write(text);
}

/**
 * Runs one command line.
 * @param argv arguments without node and script
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  let result: ResultCode = 'ok';
  const program = buildProgram(
    async (command, mode, body) => {
      const { runBody } = await import('./runner.ts');
      result = await runBody(deps, command, { argv, mode, body });
    },
    {
      write: (text) => {
        deps.io.stdout.write(text);
      },
      width: widthOf(deps.io.stdout) ?? 100,
    },
  );
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return EXIT_CODES[result].exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    await report(error, argv, deps);
    return exitCodeOf(error);
  }
}

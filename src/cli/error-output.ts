/**
 * Owns how failures look: three lines `error: what [code]`, `why:`, `fix:`, or one JSON object; and what an untranslated error
 * becomes (a bug, 70). Must not exit.
 */
import { EXIT_CODES, errorReport, SluiceError } from '../errors.ts';
import { plainText } from '../model/text.ts';
import type { Palette } from './palette.ts';

/** How a failure is written. */
export interface ErrorStyle {
  readonly json: boolean;
  /** Adds the stack. */
  readonly debug: boolean;
  readonly palette: Palette;
  /** Where the stack of a bug was written, if it was. */
  readonly logFile?: string | undefined;
}

/** Any thrown thing as a `SluiceError`: itself, or a bug. */
export function asSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new SluiceError('internal', 'sluice failed in a way it does not know', {
    why: oneLine(message),
    fix: 'this is a bug: please report it with the output of the same command with --debug',
    cause: error,
  });
}

const oneLine = (text: string): string => plainText(text, 2000);

/** The stack of an error and of its causes, at most five deep. */
export function stackOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return `${String(error)}\n`;
  const cause = error.cause === undefined ? '' : `caused by ${stackOf(error.cause, depth + 1)}`;
  return `${error.stack ?? String(error)}\n${cause}`;
}

/** A failure as text for stderr, newline included. */
export function formatError(thrown: unknown, style: ErrorStyle): string {
  const error = asSluiceError(thrown);
  const fix =
    style.logFile === undefined ? error.fix : `${error.fix ?? ''}; its stack is in ${style.logFile}`;
  if (style.json) {
    const report = { ...errorReport(error), fix: fix ?? null };
    return `${JSON.stringify(style.debug ? { ...report, stack: stackOf(thrown) } : report)}\n`;
  }
  const { palette } = style;
  const lines = [`${palette.bad('error:')} ${oneLine(error.message)} [${error.code}]`];
  if (error.why !== undefined) lines.push(`  why: ${oneLine(error.why)}`);
  if (fix !== undefined) lines.push(`  fix: ${oneLine(fix)}`);
  return `${lines.join('\n')}\n${style.debug ? stackOf(thrown) : ''}`;
}

/** One line a result code, for `sluice help exit-codes`. */
export function exitCodeTable(): string {
  const width = Math.max(...Object.keys(EXIT_CODES).map((name) => name.length));
  return Object.entries(EXIT_CODES)
    .map(([name, { exit, meaning }]) => `  ${String(exit).padStart(3)}  ${name.padEnd(width)}  ${meaning}\n`)
    .join('');
}

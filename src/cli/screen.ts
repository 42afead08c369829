/**
 * Owns a terminal while something is shown live on it: another screen than the one with the history, single keys, changes of size. Everything is put
 * back by `close`.
 */
import type { InputStream, Io, OutputStream } from './io.ts';

/** What a person does. */
export interface ScreenHandlers {
  readonly onKey: (key: string) => void;
  readonly onResize: () => void;
}

/** A screen. */
export interface Screen {
  /** Shows lines in place of those before, what does not fit left out. One write, nothing is erased before: no flicker. */
  readonly draw: (lines: readonly string[]) => void;
  readonly close: () => void;
}

/** A terminal that gives keys one by one. */
interface RawInput extends InputStream {
  readonly setRawMode: (raw: boolean) => unknown;
}

/** Other screen, no cursor, lines that are too long cut off. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const END_OF_LINE = '\u001b[K';
const END_OF_SCREEN = '\u001b[J';
const ROWS = 24;

const isRaw = (stdin: InputStream): stdin is RawInput =>
  'setRawMode' in stdin && typeof stdin.setRawMode === 'function';

function rowsOf(stdout: OutputStream): number {
  const rows: unknown = 'rows' in stdout ? stdout.rows : undefined;
  return typeof rows === 'number' && rows > 0 ? rows : ROWS;
}

/** Takes the terminal. */
export function openScreen(
  { stdin, stdout }: Pick<Io, 'stdin' | 'stdout'>,
  handlers: ScreenHandlers,
): Screen {
  const onData = (chunk: string | Buffer): void => {
    for (const key of chunk.toString()) handlers.onKey(key);
  };
  if (isRaw(stdin)) stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.resume();
  stdout.on('resize', handlers.onResize);
  stdout.write(ENTER);
  return {
    draw: (lines) => {
      const fitting = lines.slice(0, rowsOf(stdout)).map((line) => `${line}${END_OF_LINE}`);
      stdout.write(`${HOME}${fitting.join('\r\n')}${END_OF_SCREEN}`);
    },
    close: () => {
      stdin.removeListener('data', onData);
      stdin.pause();
      if (isRaw(stdin)) stdin.setRawMode(false);
      stdout.removeListener('resize', handlers.onResize);
      stdout.write(LEAVE);
    },
  };
}

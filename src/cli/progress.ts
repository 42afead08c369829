/** Owns progress while something is waited for: a spinner on a terminal (the one place of ora), plain lines elsewhere. On stderr. */
import { useColor } from './color-choice.ts';
import { isTerminal } from './io.ts';
import { isJson } from './output/format.ts';
import type { Session } from './session.ts';

/** A running progress. */
export interface Progress {
  /** Shows what is the case now; off-terminal nothing is written, so that logs stay short. */
  readonly update: (text: string) => void;
  /** Ends it without a word. */
  readonly stop: () => void;
}

const SILENT: Progress = { update: () => {}, stop: () => {} };

/** Starts showing progress; silent with `-q`, with JSON and off-terminal. ora is loaded on terminals only. */
export async function startProgress(session: Session, text: string): Promise<Progress> {
  const { stderr, stdin, env } = session.deps.io;
  const { quiet, output, color } = session.settings;
  // A pseudo-terminal without a size says 0 columns, and ora then counts lines without end.
  const hasWidth = (stderr.columns ?? 0) >= 20;
  const shown = isTerminal(stderr) && hasWidth && env['TERM'] !== 'dumb' && !quiet && !isJson(output);
  if (!shown) return SILENT;
  const { default: ora } = await import('ora');
  const spinner = ora({
    text,
    stream: stderr,
    isEnabled: true,
    // Taking stdin away would swallow Ctrl-C in some shells; there is nothing to protect it from.
    discardStdin: false,
    hideCursor: isTerminal(stdin),
    ...(useColor(color, env, true) ? {} : { color: 'white' as const }),
  }).start();
  return {
    update: (now) => {
      spinner.text = now;
    },
    stop: () => {
      spinner.stop();
    },
  };
}

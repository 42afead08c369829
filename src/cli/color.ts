/** Owns colours: the one place of chalk. Must not decide whether to colour (color-choice.ts does). */
import { Chalk } from 'chalk';
import type { Palette } from './palette.ts';

/** The palette in the 16 colours that every terminal has; the level is fixed because chalk alone ignores NO_COLOR. */
export function colorPalette(): Palette {
  const chalk = new Chalk({ level: 1 });
  return {
    good: (text) => chalk.green(text),
    warn: (text) => chalk.yellow(text),
    bad: (text) => chalk.red(text),
    strong: (text) => chalk.bold(text),
    faint: (text) => chalk.dim(text),
  };
}

/** Owns the decision whether a stream is coloured: `--color` > NO_COLOR > FORCE_COLOR > TERM=dumb > terminal. Pure. */
import type { Environment } from './io.ts';

/** Values of `--color`. */
export const COLOR_CHOICES = ['auto', 'always', 'never'] as const;

/** When to colour; `auto` asks the environment and the stream. */
export type ColorChoice = (typeof COLOR_CHOICES)[number];

/**
 * True if the stream shall be coloured. NO_COLOR counts when it is not empty (no-color.org); FORCE_COLOR of `0` or `false` forbids.
 * @param choice value of `--color`
 * @param env the environment
 * @param terminal true if the stream is a terminal
 */
export function useColor(choice: ColorChoice, env: Environment, terminal: boolean): boolean {
  if (choice !== 'auto') return choice === 'always';
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['TERM'] === 'dumb') return false;
  return terminal;
}

/** The choice as typed or in the environment, for failures that happen before the flags are parsed. */
export function colorChoiceIn(argv: readonly string[], env: Environment): ColorChoice {
  const at = argv.indexOf('--color');
  const joined = argv.find((word) => word.startsWith('--color='))?.slice('--color='.length);
  const text = joined ?? (at < 0 ? env['SLUICE_COLOR'] : argv[at + 1]);
  return COLOR_CHOICES.find((choice) => choice === text) ?? 'auto';
}

/** Owns writing down the command that a person could type next: the flags that were given, for the same or another command. */
import type { Command, Option } from 'commander';
import { nameOf } from './options.ts';
import { quoteWord } from './session.ts';

/** Flags that only say how a run is shown or whether it acts: they are not part of what to do. */
const NOT_REPEATED = [
  'dry-run',
  'detailed-exitcode',
  'output',
  'no-headers',
  'color',
  'quiet',
  'verbose',
  'debug',
  'no-input',
  'if-revision',
];

function words(option: Option, value: unknown): readonly string[] {
  const flag = option.long ?? option.short ?? option.flags;
  if (!option.required && !option.optional) return value === !option.negate ? [flag] : [];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((each) => [flag, quoteWord(typeof each === 'string' ? each : JSON.stringify(each))]);
}

/**
 * The flags that were typed, as they could be typed again.
 * @param extra further words at the end
 */
export function repeatedCommand(
  command: Command,
  name: string,
  more: { readonly args: readonly string[]; readonly extra: readonly string[] },
): string {
  const flags = command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .filter((option) => !NOT_REPEATED.includes(nameOf(option)))
    .filter((option) => nameOf(option) !== 'timeout')
    .flatMap((option) => words(option, command.getOptionValue(option.attributeName())));
  const added = more.extra.filter((word) => !flags.includes(word));
  return ['sluice', name, ...more.args.map(quoteWord), ...flags, ...added].join(' ');
}

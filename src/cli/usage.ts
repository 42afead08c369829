/** Owns turning commander's complaints into usage errors (64) with what, why and fix. Must not print. */
import type { Command, CommanderError } from 'commander';
import { SluiceError } from '../errors.ts';

/** The command's path as typed: `sluice instance add`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** What commander says, cut into its complaint and its suggestion. */
function split(message: string): { readonly what: string; readonly suggestion: string | undefined } {
  const match = /^(?:error: )?([\s\S]*?)(?:\n\(Did you mean (?:one of )?([\s\S]*?)\?\))?$/.exec(
    message.trim(),
  );
  return { what: match?.[1] ?? message, suggestion: match?.[2] };
}

function suggested(suggestion: string | undefined, fallback: string): string {
  return suggestion === undefined ? fallback : `did you mean ${suggestion.replaceAll(', ', ' or ')}?`;
}

/** The names below a command, for `fix`. */
function below(command: Command): string {
  return command.commands.map((child) => child.name()).join('|');
}

function invalidArgument(what: string, help: string): SluiceError {
  const choice = /^(.*is invalid)\. Allowed choices are (.*)\.$/.exec(what);
  if (choice === null) return new SluiceError('usage', what, { why: 'the value is not valid', fix: help });
  return new SluiceError('usage', choice[1] ?? what, { why: `allowed: ${choice[2]}`, fix: help });
}

/**
 * The usage error for a complaint of commander.
 * @param error what commander raised; not one that only ends after help or version
 * @param command the command that raised it
 */
export function usageError(error: CommanderError, command: Command): SluiceError {
  const { what, suggestion } = split(error.message);
  const path = pathOf(command);
  const help = `${path} --help`;
  switch (error.code) {
    case 'commander.unknownCommand':
      return new SluiceError('usage', what, {
        why: `${path} has no such command`,
        fix: suggested(suggestion, `${help} lists the commands`),
      });
    case 'commander.unknownOption':
      return new SluiceError('usage', what, {
        why: `${path} has no such option`,
        fix: suggested(suggestion, `${help} lists the options`),
      });
    case 'commander.help':
      return new SluiceError('usage', `${path} needs a command`, {
        why: 'none was given',
        fix: `${path} ${below(command)}`,
      });
    case 'commander.invalidArgument':
      return invalidArgument(what, help);
    default:
      return new SluiceError('usage', what.replace(/\.$/, ''), {
        why: `usage: ${path} ${command.usage()}`,
        fix: `${help} shows examples`,
      });
  }
}

/** Owns what every command definition gets and gives: a parent to hang on, and how to run its body. Static: loaded for every run. */
import type { Command, Option } from 'commander';
import { globalOptions } from './options.ts';
import type { Body, RunMode } from './runner.ts';

/** Runs the body of a command; bodies are loaded inside it. */
export type Run = (command: Command, mode: RunMode, body: Body) => Promise<void>;

/** Defines one command below its parent. Must not load anything but commander. */
export type Define = (parent: Command, run: Run) => void;

/** Made once and shared by all commands: making them anew for each took a third of the time of --help. */
let hidden: readonly Option[] | undefined;

function hiddenGlobals(): readonly Option[] {
  hidden ??= globalOptions().map((option) => option.hideHelp());
  return hidden;
}

/** Help of a command besides its options. */
export interface HelpText {
  readonly examples: readonly (readonly [command: string, what: string])[];
}

/** Adds to a finished command its examples and, hidden, the global options, so that they also work joined: `-yq`. */
export function finish(command: Command, help: HelpText): Command {
  // commander would add a command "help" below every noun; sluice has one.
  command.helpCommand(false);
  for (const option of hiddenGlobals()) command.addOption(option);
  const width = Math.max(...help.examples.map(([line]) => line.length));
  const lines = help.examples.map(([line, what]) =>
    width > 60 ? `  # ${what}\n  ${line}` : `  ${line.padEnd(width)}  # ${what}`,
  );
  return command.addHelpText(
    'after',
    `\nExamples:\n${lines.join('\n')}\n\nGlobal options such as -o json, -q and --timeout: sluice --help`,
  );
}

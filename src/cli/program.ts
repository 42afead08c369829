/**
 * Owns the commander program: the tree of commands with flags and help texts. Loads nothing but commander, so that help and completion
 * are as fast as bare node; every body is imported when it runs.
 */
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { defineAgent } from './commands/agent.ts';
import { defineApiServer } from './commands/apiserver.ts';
import { defineDev } from './commands/dev.ts';
import { defineDescribe } from './commands/describe.ts';
import { defineDrain, defineRestore } from './commands/drain.ts';
import { defineNode } from './commands/node.ts';
import { defineScale } from './commands/scale.ts';
import { defineExplain } from './commands/explain.ts';
import { defineInstance } from './commands/instance.ts';
import { defineList } from './commands/list.ts';
import { defineDoctor } from './commands/doctor.ts';
import { defineLogs } from './commands/logs.ts';
import { defineMonitor } from './commands/monitor.ts';
import { definePlan } from './commands/plan.ts';
import { definePolicy } from './commands/policy.ts';
import { definePublish } from './commands/publish.ts';
import { defineRebalance } from './commands/rebalance.ts';
import { defineStatus } from './commands/status.ts';
import { defineRange } from './commands/range.ts';
import { defineToken } from './commands/token.ts';
import { defineTop } from './commands/top.ts';
import { defineUnpublish } from './commands/unpublish.ts';
import { defineVerify } from './commands/verify.ts';
import { defineWait } from './commands/wait.ts';
import { defineWhy } from './commands/why.ts';
import { defineCompletion } from './commands/completion.ts';
import { defineHelp } from './commands/help.ts';
import { defineVersion } from './commands/version.ts';
import type { Define, Run } from './define.ts';
import { formatHelp } from './help-format.ts';
import { globalOptions } from './options.ts';
import { TOPICS } from './help/topics.ts';
import { usageError } from './usage.ts';

/** What the program writes by itself: help and version, on stdout. */
export interface ProgramOutput {
  readonly write: (text: string) => unknown;
  /** Columns that help is wrapped to. */
  readonly width: number;
}

const GROUPS: readonly (readonly [heading: string, definitions: readonly Define[]])[] = [
  [
    'Publish and change:',
    [
      definePublish,
      defineUnpublish,
      definePlan,
      defineInstance,
      defineScale,
      defineRebalance,
      definePolicy,
      defineDrain,
      defineRestore,
    ],
  ],
  [
    'Observe:',
    [
      defineStatus,
      defineList,
      defineDescribe,
      defineTop,
      defineWhy,
      defineExplain,
      defineVerify,
      defineWait,
      defineLogs,
    ],
  ],
  ['Run:', [defineAgent, defineMonitor, defineApiServer, defineDev]],
  [
    'Operate:',
    [defineNode, defineDoctor, defineRange, defineToken, defineCompletion, defineVersion, defineHelp],
  ],
];

/** What ends every run of commander that did what was asked: help or version shown. */
const DONE = ['commander.helpDisplayed', 'commander.version'];

/** Complaints become usage errors; help and version pass through as they are. */
function raiseUsageErrors(command: Command): void {
  command.exitOverride((error) => {
    throw DONE.includes(error.code) ? error : usageError(error, command);
  });
  for (const child of command.commands) raiseUsageErrors(child);
}

/** A command in the list of commands: name, alias and arguments. */
function subcommandTerm(command: Command): string {
  const names = [command.name(), ...command.aliases()].join(', ');
  const children = command.commands.map((child) => child.name()).join('|');
  const ownOptions = command.options.filter(({ hidden }) => !hidden);
  // A command with options of its own does something without a word after it.
  const nouns = ownOptions.length > 0 && children !== '' ? `[${children}]` : children;
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [names, ...(nouns === '' ? [] : [nouns]), ...args].join(' ');
}

function describeTopics(): string {
  const width = Math.max(...TOPICS.map(({ name }) => name.length));
  const lines = TOPICS.map(({ name, summary }) => `  sluice help ${name.padEnd(width)}  ${summary}`);
  return `\nTopics:\n${lines.join('\n')}\n\nThe help of a command: sluice help COMMAND, or sluice COMMAND --help`;
}

/**
 * The program with all its commands.
 * @param run runs bodies
 * @param output where help and version go
 */
export function buildProgram(run: Run, output: ProgramOutput): Command {
  const program = new Command('sluice');
  program
    .description('Publish a service; every node forwards to its instances in its own kernel.')
    .usage('[options] <command>')
    .configureOutput({
      writeOut: (text) => {
        output.write(text);
      },
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => output.width,
      getErrHelpWidth: () => output.width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ sortSubcommands: false, sortOptions: false, formatHelp, subcommandTerm })
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .version(`sluice ${VERSION}`, '--version', 'show the version');
  program.optionsGroup('Global options, before or after the command:');
  for (const option of globalOptions()) program.addOption(option);
  for (const [heading, definitions] of GROUPS) {
    program.commandsGroup(heading);
    for (const define of definitions) define(program, run);
  }
  program.addHelpText('after', describeTopics());
  raiseUsageErrors(program);
  return program;
}

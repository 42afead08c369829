/** Owns the program as completion sees it: words, flags and choices of every command, sorted. Pure data from the commander tree. */
import type { Argument, Command, Option } from 'commander';

/** A flag of a command. */
export interface Flag {
  /** e.g. `-o` and `--output`. */
  readonly names: readonly string[];
  readonly description: string;
  /** True if a value follows. */
  readonly takesValue: boolean;
  /** True if the value is a file. */
  readonly takesFile: boolean;
  readonly choices: readonly string[];
}

/** A word that can follow, with what it is. */
export interface Word {
  readonly word: string;
  readonly description: string;
}

/** A command: `path` is the words after `sluice`, [] for the program itself. */
export interface CommandNode {
  readonly path: readonly string[];
  readonly description: string;
  readonly children: readonly Word[];
  /** Fixed words that its first argument can be. */
  readonly choices: readonly Word[];
  /** Own and global flags. */
  readonly flags: readonly Flag[];
}

const FILE_VALUES = /<(file|dir)[^>]*>/;

function flagOf(option: Option): Flag {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  return {
    names,
    description: option.description,
    takesValue: option.required || option.optional,
    takesFile: FILE_VALUES.test(option.flags),
    choices: option.argChoices ?? [],
  };
}

const byName = (a: Flag, b: Flag): number => ((a.names.at(-1) ?? '') < (b.names.at(-1) ?? '') ? -1 : 1);

function argumentChoices(argument: Argument | undefined): readonly Word[] {
  return (argument?.argChoices ?? []).map((word) => ({ word, description: '' }));
}

/** One line about a command. */
export function summaryOf(command: Command): string {
  return command.summary() === '' ? command.description() : command.summary();
}

/** What `sluice help` takes: commands and topics. */
export type ExtraWords = (path: readonly string[]) => readonly Word[];

/**
 * All commands of the program, the program first, each with its flags and the global ones.
 * @param extra words that a command takes besides its fixed choices
 */
export function commandNodes(program: Command, extra: ExtraWords): readonly CommandNode[] {
  const help: Flag = {
    names: ['-h', '--help'],
    description: 'show help',
    takesValue: false,
    takesFile: false,
    choices: [],
  };
  const visit = (command: Command, path: readonly string[]): readonly CommandNode[] => {
    const names = [command.name(), ...command.aliases()];
    const own = command.options.map(flagOf);
    const children = command.commands.map((child) => ({
      word: child.name(),
      description: summaryOf(child),
    }));
    const paths = path.length === 0 ? [path] : names.map((name) => [...path.slice(0, -1), name]);
    const nodes = paths.map((each) => ({
      path: each,
      description: summaryOf(command),
      children,
      choices: [...argumentChoices(command.registeredArguments[0]), ...extra(path)],
      flags: [...own, help].toSorted(byName),
    }));
    return [...nodes, ...command.commands.flatMap((child) => visit(child, [...path, child.name()]))];
  };
  return visit(program, []);
}

/** Flags that take a value in other commands and none in this one, as `logs:-f`: the word after them is no value. */
export function bareFlags(nodes: readonly CommandNode[]): readonly string[] {
  const all = nodes.flatMap(({ flags }) => flags);
  const withValue = new Set(all.filter(({ takesValue }) => takesValue).flatMap(({ names }) => names));
  return nodes.flatMap(({ path, flags }) =>
    flags
      .filter(({ takesValue }) => !takesValue)
      .flatMap(({ names }) => names.filter((name) => withValue.has(name)))
      .map((name) => `${path.join(' ')}:${name}`),
  );
}

/** Every flag of the program once, under the key of all its names, sorted. A name means the same in every command (a test holds that), but for `bareFlags`. */
export function allFlags(nodes: readonly CommandNode[]): readonly Flag[] {
  const flags = new Map(nodes.flatMap((node) => node.flags).map((flag) => [flag.names.join(' '), flag]));
  return [...flags.values()].toSorted(byName);
}

/** Owns the choice of the completion script: the program as data, in the words of a shell. Pure. */
import type { Command } from 'commander';
import type { Shell } from '../commands/completion.ts';
import { TOPICS } from '../help/topics.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { commandNodes, summaryOf, type Word } from './tree.ts';
import { zshScript } from './zsh.ts';

/** What `sluice help` takes: the commands and the topics. */
function helpWords(program: Command): readonly Word[] {
  return [
    ...program.commands.map((command) => ({ word: command.name(), description: summaryOf(command) })),
    ...TOPICS.map(({ name, summary }) => ({ word: name, description: summary })),
  ];
}

/** The completion script of a shell for the program. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = commandNodes(program, (path) => (path.join(' ') === 'help' ? helpWords(program) : []));
  switch (shell) {
    case 'bash':
      return bashScript(nodes);
    case 'zsh':
      return zshScript(nodes);
    case 'fish':
      return fishScript(nodes);
  }
  return shell satisfies never;
}

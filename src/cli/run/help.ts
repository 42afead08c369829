/** Owns what `help` prints: the help of a command, or a topic. */
import type { Command } from 'commander';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { suggest } from '../../model/suggest.ts';
import { TOPICS } from '../help/topics.ts';
import type { Session } from '../session.ts';

/** The command that the words name, or undefined. */
function findCommand(program: Command, words: readonly string[]): Command | undefined {
  return words.reduce<Command | undefined>(
    (command, word) =>
      command?.commands.find((child) => child.name() === word || child.aliases().includes(word)),
    program,
  );
}

/**
 * Prints help.
 * @throws SluiceError `usage` if the words name neither a command nor a topic
 */
export async function helpBody(
  session: Session,
  program: Command,
  words: readonly string[],
): Promise<ResultCode> {
  const command = findCommand(program, words);
  if (command !== undefined) {
    command.outputHelp();
    return 'ok';
  }
  const topic = words.length === 1 ? TOPICS.find(({ name }) => name === words[0]) : undefined;
  if (topic !== undefined) {
    session.deps.io.stdout.write(await topic.text());
    return 'ok';
  }
  const asked = words.join(' ');
  const known = [...program.commands.map((child) => child.name()), ...TOPICS.map(({ name }) => name)];
  const near = suggest(asked, known);
  throw new SluiceError('usage', `there is no help about ${JSON.stringify(asked)}`, {
    why: 'it is neither a command nor a topic',
    fix: near === undefined ? 'sluice --help lists commands and topics' : `did you mean sluice help ${near}?`,
    details: { asked },
  });
}

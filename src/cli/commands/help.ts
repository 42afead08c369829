/** Owns the definition of `help`: of the program, of a command, or about a topic. */
import { type Define, finish } from '../define.ts';

/** `sluice help` */
export const defineHelp: Define = (parent, run) => {
  const command = parent
    .command('help')
    .description('show help about a command or a topic')
    .argument('[words...]', 'a command such as instance add, or a topic such as exit-codes');
  finish(command, {
    examples: [
      ['sluice help publish', 'the help of a command'],
      ['sluice help instance add', 'the help of a command below a noun'],
      ['sluice help exit-codes', 'a topic'],
    ],
  }).action(async (words: readonly string[]) =>
    run(command, 'offline', async (session) => {
      const { helpBody } = await import('../run/help.ts');
      return helpBody(session, parent, words);
    }),
  );
};

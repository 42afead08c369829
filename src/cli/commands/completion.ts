/** Owns the definition of `completion`. */
import { Argument } from 'commander';
import { type Define, finish } from '../define.ts';

/** Shells that completion scripts exist for. */
const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A shell with a completion script. */
export type Shell = (typeof SHELLS)[number];

/** `sluice completion` */
export const defineCompletion: Define = (parent, run) => {
  const command = parent
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS));
  finish(command, {
    examples: [
      ['source <(sluice completion bash)', 'bash, this shell only'],
      ['sluice completion zsh > "${fpath[1]}/_sluice"', 'zsh, for good'],
      ['sluice completion fish > ~/.config/fish/completions/sluice.fish', 'fish, for good'],
    ],
  }).action(async (shell: Shell) =>
    run(command, 'offline', async (session) => {
      const { completionBody } = await import('../run/completion.ts');
      return completionBody(session, parent, shell);
    }),
  );
};

/** Owns the definition of `logs`. */
import { Option } from 'commander';
import { type Define, finish } from '../define.ts';
import { stateDirOption } from '../options.ts';

/** Flags of `logs`. */
export interface LogsOptions {
  readonly follow?: boolean | undefined;
  readonly tail?: string | undefined;
  readonly stream?: 'stdout' | 'stderr' | 'both' | undefined;
  readonly stateDir?: string | undefined;
}

/** `sluice logs` */
export const defineLogs: Define = (parent, run) => {
  const command = parent
    .command('logs')
    .summary('show what an instance on this machine wrote')
    .description(
      'Show what an instance that sluice started on this machine wrote to stdout and stderr, also after its end, as long as its files ' +
        'are kept. Works without the store. For an instance of another node it says which.',
    )
    .argument('<instance>', 'SERVICE/INSTANCE')
    .option('-f, --follow', 'go on, and show what comes')
    .option('--tail <n>', 'only the last lines of each stream')
    .addOption(new Option('--stream <name>', 'which (default: both)').choices(['stdout', 'stderr', 'both']))
    .addOption(stateDirOption());
  finish(command, {
    examples: [
      ['sluice logs web/web-7f3a', 'all that is kept'],
      ['sluice logs web/web-7f3a --tail 20 -f', 'the last lines, and what comes'],
      ['sluice logs web/web-7f3a --stream stderr', 'errors only'],
    ],
  }).action(async (reference: string) =>
    run(command, 'read', async (session) => {
      const { logsBody } = await import('../run/logs.ts');
      return logsBody(session, reference, command.opts<LogsOptions>());
    }),
  );
};

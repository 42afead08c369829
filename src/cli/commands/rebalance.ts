/** Owns the definition of `rebalance`. */
import { type Define, finish } from '../define.ts';
import { addMutationOptions, durationOption, type MutationOptions } from '../options.ts';

/** Flags of `rebalance`. */
export interface RebalanceOptions extends MutationOptions {
  readonly all?: boolean | undefined;
  readonly maxMoves?: string | undefined;
  readonly minGain?: string | undefined;
  /** Milliseconds. */
  readonly minAge?: number | undefined;
  readonly skipIfLocked?: boolean | undefined;
  readonly lockTimeout?: number | undefined;
  readonly splay?: number | undefined;
}

/** `sluice rebalance` */
export const defineRebalance: Define = (parent, run) => {
  const command = parent
    .command('rebalance')
    .summary('even out nodes and weights once, e.g. from cron')
    .description(
      'Look at the load for a few seconds and move instances that stand better on another node: one of a service at a time, another ' +
        'before it goes. Needs a monitor that leads. While none acts, weights are set by the load as it would. A service that just ' +
        'changed is left alone. One rebalance runs at a time.',
    )
    .argument('[services...]', 'names of services')
    .option('--all', 'all services')
    .optionsGroup('What is worth it:')
    .option('--max-moves <n>', 'instances moved at most (default: 2)')
    .option('--min-gain <percent>', 'how much less full the fuller of two nodes must get (default: 10%)')
    .addOption(
      durationOption('--min-age <time>', 'leave services alone with a younger instance (default: 10m)'),
    )
    .optionsGroup('Cron:')
    .option('--skip-if-locked', 'end with 0 where another rebalance runs')
    .addOption(durationOption('--lock-timeout <time>', 'wait so long for another rebalance (default: 0s)'))
    .addOption(durationOption('--splay <time>', 'begin after a random time of at most so long'));
  addMutationOptions(command);
  finish(command, {
    examples: [
      ['sluice rebalance --all --dry-run', 'what it would move, and why'],
      ['sluice rebalance web --max-moves 1 --wait', 'one instance, until another is there in its place'],
      ['sluice rebalance --all -q --skip-if-locked --splay 30s --timeout 60s', 'from cron'],
    ],
  }).action(async (services: readonly string[]) =>
    run(command, 'write', async (session) => {
      const { rebalanceBody } = await import('../run/rebalance.ts');
      return rebalanceBody(session, services, command.opts<RebalanceOptions>());
    }),
  );
};

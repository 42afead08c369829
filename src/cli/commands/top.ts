/** Owns the definition of `top`. */
import { Argument } from 'commander';
import { type Define, finish } from '../define.ts';
import { addListingOptions } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

const TOPPABLE = ['nodes', 'services'] as const;

/** By what measurements are shown. */
export type Toppable = (typeof TOPPABLE)[number];

/** Flags of `top`. */
export interface TopFlags extends ListingOptions {
  readonly once?: boolean | undefined;
}

/** `sluice top` */
export const defineTop: Define = (parent, run) => {
  const command = parent
    .command('top')
    .summary('show what nodes and instances use')
    .description(
      'Show what nodes measure every two seconds: processor, memory, connections. Goes on until q or Ctrl-C. `-` is what nobody ' +
        'measured; SAMPLE and SAMPLED say where samples are missing or old.',
    )
    .addArgument(new Argument('[what]', 'by what to show it (default: nodes)').choices(TOPPABLE))
    .option('--once', 'show it once and end');
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice top', 'all nodes, until q'],
      ['sluice top services --sort-by=-cpu', 'the busiest services first'],
      ['sluice top nodes --once -o json', 'for a script'],
    ],
  }).action(async (what: Toppable | undefined) =>
    run(command, 'live', async (session) => {
      const { topBody } = await import('../run/top.ts');
      return topBody(session, what ?? 'nodes', command.opts<TopFlags>());
    }),
  );
};

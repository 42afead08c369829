/** Owns the definition of `list`. */
import { Argument } from 'commander';
import { type Define, finish } from '../define.ts';
import { addListingOptions } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

/** What can be listed. */
const LISTABLE = ['services', 'instances', 'nodes'] as const;

/** One of what can be listed. */
export type Listable = (typeof LISTABLE)[number];

/** Flags of `list`. */
export interface ListOptions extends ListingOptions {
  readonly watch?: boolean | undefined;
}

/** `sluice list` */
export const defineList: Define = (parent, run) => {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('list services, instances or nodes')
    .description('List services, instances or nodes.')
    .addArgument(new Argument('[what]', 'what to list (default: services)').choices(LISTABLE))
    .argument('[service]', 'only the instances of this service')
    .option('-w, --watch', 'go on, and show what changes');
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice list', 'all services'],
      ['sluice ls instances web -o wide', 'the instances of a service, all columns'],
      ['sluice list nodes --sort-by node -o jsonl', 'one node a line, for a program'],
    ],
  }).action(async (what: Listable | undefined, service: string | undefined) =>
    run(command, 'read', async (session) => {
      const { listBody } = await import('../run/list.ts');
      return listBody(session, { what: what ?? 'services', service }, command.opts<ListOptions>());
    }),
  );
};

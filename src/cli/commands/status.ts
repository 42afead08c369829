/** Owns the definition of `status`. */
import { type Define, finish } from '../define.ts';
import { addListingOptions, stateDirOption } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

/** Flags of `status`. */
export interface StatusFlags extends ListingOptions {
  readonly check?: boolean | undefined;
  readonly watch?: boolean | undefined;
  readonly stateDir?: string | undefined;
}

/** `sluice status` */
export const defineStatus: Define = (parent, run) => {
  const command = parent
    .command('status')
    .summary('show whether the store, the agents and the services are well')
    .description(
      'Show whether the store answers, the agents follow and every service has instances. Works without the store: it then ' +
        'shows what the agent on this machine says.',
    )
    .argument('[service]', 'only this service')
    .option('--check', 'end with 3 if something is wrong')
    .option('-w, --watch', 'go on, and show what changes')
    .addOption(stateDirOption());
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice status', 'everything'],
      ['sluice status web --check -q', 'for a health check: 0 or 3'],
      ['sluice status -w', 'until Ctrl-C'],
    ],
  }).action(async (service: string | undefined) =>
    run(command, 'read', async (session) => {
      const { statusBody } = await import('../run/status.ts');
      return statusBody(session, service, command.opts<StatusFlags>());
    }),
  );
};

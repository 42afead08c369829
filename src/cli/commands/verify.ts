/** Owns the definition of `verify`. */
import { type Define, finish } from '../define.ts';
import { addListingOptions, positiveDurationOption, stateDirOption } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

/** Flags of `verify`. */
export interface VerifyFlags extends ListingOptions {
  /** Milliseconds. */
  readonly sample?: number | undefined;
  readonly detailedExitcode?: boolean | undefined;
  readonly stateDir?: string | undefined;
}

/** `sluice verify` */
export const defineVerify: Define = (parent, run) => {
  const command = parent
    .command('verify')
    .summary("compare this node's kernel with the store, and connections with shares")
    .description(
      "Compare the rules in this node's kernel, the guard, the rule in FORWARD and the routes to entries with what the store asks for, byte " +
        'for byte, and the connections that were counted with the shares: by chi-square, in the nftables layout, which takes turns, to within ' +
        'a few connections. There counts go on through changes of weights, so that counts of before need --sample. Ends with 3 if ' +
        'something differs or the spread does not fit. Reads only; needs root.',
    )
    .argument('[service]', 'only this service')
    .addOption(
      positiveDurationOption(
        '--sample <duration>',
        'count so long, not since counting began',
        'write for example 30s, or leave it out to judge what was counted so far',
      ),
    )
    .option('--detailed-exitcode', 'end with 2 if rules differ, with 3 if only the spread does not fit')
    .addOption(stateDirOption());
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice verify', 'all services of this node'],
      ['sluice verify web --sample 30s', 'connections of the next 30 seconds'],
      ['sluice verify -q || sluice verify -o json', 'for a script: silent if all is well'],
    ],
  }).action(async (service: string | undefined) =>
    run(command, 'read', async (session) => {
      const { verifyBody } = await import('../run/verify.ts');
      return verifyBody(session, service, command.opts<VerifyFlags>());
    }),
  );
};

/** Owns the definition of `doctor`. */
import { type Define, finish } from '../define.ts';
import { addListingOptions, stateDirOption } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

/** Flags of `doctor`. */
export interface DoctorFlags extends ListingOptions {
  readonly strict?: boolean | undefined;
  readonly stateDir?: string | undefined;
}

/** `sluice doctor` */
export const defineDoctor: Define = (parent, run) => {
  const command = parent
    .command('doctor')
    .summary('look whether this node is fit to forward')
    .description(
      'Look whether this node is fit to forward: programs, kernel, settings, connection tracking, clock, disk, agent, servers of the store. ' +
        'Changes nothing; rules are tried in a private network namespace. Ends with 3 if something fails.',
    )
    .option('--strict', 'end with 3 also if there are warnings')
    .addOption(stateDirOption());
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice doctor', 'this node, with what to do'],
      ['sluice doctor --strict -q', 'for a health check: 0 or 3'],
      ['sluice doctor -o json', 'for a program'],
    ],
  }).action(async () =>
    run(command, 'read', async (session) => {
      const { doctorBody } = await import('../run/doctor.ts');
      return doctorBody(session, command.opts<DoctorFlags>());
    }),
  );
};

/** Owns the definitions of `range set|list|remove`. */
import { Option, type Command } from 'commander';
import { type Define, finish, type Run } from '../define.ts';
import { addListingOptions, durationOption } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

/** Flags of what changes ranges. */
export interface RangeChangeFlags {
  readonly dryRun?: boolean | undefined;
  readonly reason?: string | undefined;
}

/** Flags of `range set`. */
export interface RangeSetFlags extends RangeChangeFlags {
  readonly network: string;
  readonly entryPort: string;
  readonly protocol: 'tcp' | 'udp';
  /** Milliseconds. */
  readonly keep: number;
}

function addChangeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show what would change and change nothing')
    .option('--reason <text>', 'why, for the audit record');
}

const HOUR_MS = 3_600_000;

function defineSet(noun: Command, run: Run): void {
  const command = noun
    .command('set')
    .summary('set addresses from which apps get entries')
    .description(
      'Set addresses from which apps that register, and that no service draws from, get a service with an entry of its own.',
    )
    .argument('<name>', 'name of the range')
    .requiredOption('--network <network>', 'addresses, as 10.96.128.0/20')
    .option('--entry-port <port>', 'port of the entries', '80')
    .addOption(new Option('--protocol <protocol>', 'of the entries').choices(['tcp', 'udp']).default('tcp'))
    .addOption(
      durationOption('--keep <duration>', 'how long an app may be gone before its entry is released').default(
        HOUR_MS,
        '1h',
      ),
    );
  addChangeOptions(command);
  finish(command, {
    examples: [
      ['sluice range set apps --network 10.96.128.0/20', 'entries at port 80'],
      [
        'sluice range set apps --network 10.96.128.0/20 --entry-port 8080 --keep 5m',
        'at another port, released sooner',
      ],
      ['sluice range set apps --network 10.96.128.0/20 --dry-run', 'look only'],
    ],
  }).action(async (name: string) =>
    run(command, 'write', async (session) => {
      const { rangeSetBody } = await import('../run/range.ts');
      return rangeSetBody(session, name, command.opts<RangeSetFlags>());
    }),
  );
}

function defineRangeList(noun: Command, run: Run): void {
  const command = noun
    .command('list')
    .alias('ls')
    .summary('list ranges')
    .description('List the ranges from which apps get entries.');
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice range list', 'all ranges'],
      ['sluice range ls -o json', 'for a program'],
      ['sluice range ls -o name', 'names only'],
    ],
  }).action(async () =>
    run(command, 'read', async (session) => {
      const { rangeListBody } = await import('../run/range.ts');
      return rangeListBody(session, command.opts<ListingOptions>());
    }),
  );
}

function defineRemove(noun: Command, run: Run): void {
  const command = noun
    .command('remove')
    .summary('give no more entries of a range')
    .description('Give no more entries of a range. Apps that have one keep it until they are gone.')
    .argument('<name>', 'name of the range');
  addChangeOptions(command);
  finish(command, {
    examples: [
      ['sluice range remove apps', 'apps that come get no entry any more'],
      ['sluice range remove apps --reason "all are published by hand"', 'with the reason'],
      ['sluice range remove apps --dry-run', 'look only'],
    ],
  }).action(async (name: string) =>
    run(command, 'write', async (session) => {
      const { rangeRemoveBody } = await import('../run/range.ts');
      return rangeRemoveBody(session, name, command.opts<RangeChangeFlags>());
    }),
  );
}

/** `sluice range` */
export const defineRange: Define = (parent, run) => {
  const noun = parent
    .command('range')
    .summary('set, list or remove addresses from which registered apps get entries')
    .description(
      'Addresses from which apps that register get services with entries, and lose them when they are gone.',
    );
  defineSet(noun, run);
  defineRangeList(noun, run);
  defineRemove(noun, run);
  finish(noun, {
    examples: [
      ['sluice range set apps --network 10.96.128.0/20', 'every app that registers gets an entry'],
      ['sluice range list', 'all ranges'],
      ['sluice range remove apps', 'no more'],
    ],
  });
};

/** Owns the definitions of `token create|list|revoke`. */
import { Option, type Command } from 'commander';
import { ROLES, type Role } from '../../model/access.ts';
import { type Define, finish, type Run } from '../define.ts';
import { addListingOptions, durationOption } from '../options.ts';
import type { ListingOptions } from '../output/listing.ts';

/** Flags of `token create`. */
export interface TokenCreateFlags {
  readonly role: Role;
  readonly name: string;
  /** Milliseconds. */
  readonly expires?: number | undefined;
  readonly out?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly reason?: string | undefined;
}

/** Flags of `token revoke`. */
export interface TokenRevokeFlags {
  readonly dryRun?: boolean | undefined;
  readonly reason?: string | undefined;
}

function addChangeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show what would change and change nothing')
    .option('--reason <text>', 'why, for the audit record');
}

function defineCreate(noun: Command, run: Run): void {
  const command = noun
    .command('create')
    .summary('make a token and show it, once')
    .description('Make a token for --server and show it. Only its hash is kept: nobody can show it again.')
    .addOption(new Option('--role <role>', 'what its holder may do').choices(ROLES).makeOptionMandatory())
    .requiredOption('--name <name>', 'who holds it; of a node the name of the node')
    .addOption(
      durationOption('--expires <duration>', 'not accepted after this time (default: it does not expire)'),
    )
    .option('--out <file>', 'write it into this file (0600) instead of showing it');
  addChangeOptions(command);
  finish(command, {
    examples: [
      ['sluice token create --role node --name n1 --out n1.token', 'for the agent of node n1'],
      ['sluice token create --role viewer --name grafana --expires 90d', 'for reading, three months long'],
      ['sluice token create --role operator --name ci -o json', 'for a program'],
    ],
  }).action(async () =>
    run(command, 'write', async (session) => {
      const { tokenCreateBody } = await import('../run/token.ts');
      return tokenCreateBody(session, command.opts<TokenCreateFlags>());
    }),
  );
}

function defineTokenList(noun: Command, run: Run): void {
  const command = noun
    .command('list')
    .alias('ls')
    .summary('list tokens')
    .description('List tokens: who holds them and what they may do. Their secrets are nowhere.');
  addListingOptions(command);
  finish(command, {
    examples: [
      ['sluice token list', 'all tokens'],
      ['sluice token ls --sort-by role', 'by what they may do'],
      ['sluice token ls -o name', 'for token revoke'],
    ],
  }).action(async () =>
    run(command, 'read', async (session) => {
      const { tokenListBody } = await import('../run/token.ts');
      return tokenListBody(session, command.opts<ListingOptions>());
    }),
  );
}

function defineRevoke(noun: Command, run: Run): void {
  const command = noun
    .command('revoke')
    .summary('make tokens worthless')
    .description('Make tokens worthless. Their holders are refused at once, and their watches end.')
    .argument('<ids...>', 'ids of the tokens: what stands between sluice_ and the next _');
  addChangeOptions(command);
  finish(command, {
    examples: [
      ['sluice token revoke 0f3c2a9b8d7e6f51', 'one'],
      ['sluice token revoke 0f3c2a9b8d7e6f51 --reason "n1 is gone"', 'with the reason'],
      ['sluice token ls -o name | xargs sluice token revoke', 'all'],
    ],
  }).action(async (ids: readonly string[]) =>
    run(command, 'write', async (session) => {
      const { tokenRevokeBody } = await import('../run/token.ts');
      return tokenRevokeBody(session, ids, command.opts<TokenRevokeFlags>());
    }),
  );
}

/** `sluice token` */
export const defineToken: Define = (parent, run) => {
  const noun = parent
    .command('token')
    .summary('make, list or revoke tokens for API servers')
    .description('Tokens that nodes, people and programs show to API servers.');
  defineCreate(noun, run);
  defineTokenList(noun, run);
  defineRevoke(noun, run);
  finish(noun, {
    examples: [
      ['sluice token create --role node --name n1 --out n1.token', 'for the agent of node n1'],
      ['sluice token list', 'all tokens'],
      ['sluice token revoke 0f3c2a9b8d7e6f51', 'one'],
    ],
  });
};

/** Owns the definitions of `policy set|get|remove`. */
import { type Command, Option } from 'commander';
import type { PolicyFlags } from '../../model/policy-flags.ts';
import { METRIC_MEANINGS, POLICY_PARTS, SCALING_MODES, WEIGHTS_KINDS } from '../../model/policy-scaling.ts';
import { type Define, finish, type Run } from '../define.ts';
import { addMutationOptions, type MutationOptions } from '../options.ts';

/** Flags of `policy set`. */
export type PolicySetOptions = PolicyFlags & MutationOptions;

const SET_EXAMPLES: readonly (readonly [string, string])[] = [
  ['sluice policy set web --min 2 --max 20 --cpu 70%', 'the number of instances follows processor use'],
  [
    'sluice policy set web --rate 200 --mode recommend',
    'also new connections a second; only say what it would do',
  ],
  ["sluice policy set web --metric-exec 'queue-length web' --target 30", 'a number that a program prints'],
];
const GET_EXAMPLES: readonly (readonly [string, string])[] = [
  ['sluice policy get web', 'as in a spec file'],
  ['sluice policy get web -o json', 'for programs'],
  ['sluice policy get web api', 'of two services'],
];
const REMOVE_EXAMPLES: readonly (readonly [string, string])[] = [
  ['sluice policy remove web scaling', 'the number of instances stays as it is'],
  ['sluice policy remove web pin', 'the policy decides again, though a scale --pin still lasts'],
  ['sluice policy remove web --dry-run', 'what would go'],
];

/** What only scaling has, in the order of the help. */
export function addScalingOptions(command: Command): void {
  command
    .optionsGroup('Number of instances:')
    .option('--min <n>', 'no fewer (default: 1)')
    .option('--max <n>', 'no more')
    .option('--cpu <percent>', 'processor use of an instance, e.g. 70%; off takes it away')
    .option('--connections <n>', 'open connections of an instance, or off')
    .option('--rate <n>', 'new connections a second of an instance, or off')
    .option('--metric-exec <command>', 'a program that prints one number, or off')
    .option('--metric-http <url>', 'an address that answers with one number, or off')
    .option('--metric-name <name>', 'name of that metric (default: exec or http)')
    .option('--target <n>', 'what one instance should have of it')
    .addOption(
      new Option('--metric-as <meaning>', 'what the number is (default: total)').choices(METRIC_MEANINGS),
    )
    .option('--metric-interval <time>', 'how often it is asked for (default: 10s)')
    .addOption(
      new Option(
        '--mode <mode>',
        'change the number, or only record what it would be (default: act)',
      ).choices(SCALING_MODES),
    )
    .option('--down-after <time>', 'fewer only after fewer were enough for so long (default: 5m)')
    .option('--cooldown-up <time>', 'time between two increases (default: 0s)')
    .option('--cooldown-down <time>', 'time between two decreases (default: 30s)');
}

function defineSet(noun: Command, run: Run): void {
  const command = noun
    .command('set')
    .summary("set a service's policies")
    .description(
      'Set how weights and the number of instances of a service follow load. What is not said stays as it was. ' +
        'Of several metrics the one that asks for the most counts, and fewer only when all agree.',
    )
    .argument('<service>', 'name of the service')
    .optionsGroup('Weights:')
    .addOption(
      new Option('--weights <kind>', 'by load within the base weights, alike, or as typed').choices(
        WEIGHTS_KINDS,
      ),
    )
    .option('--slow-start <time>', 'a new instance gets its full share after so long (default: 10s)');
  addScalingOptions(command);
  addMutationOptions(command);
  finish(command, { examples: SET_EXAMPLES }).action(async (service: string) =>
    run(command, 'write', async (session) => {
      const { policySetBody } = await import('../run/policy.ts');
      return policySetBody(session, service, command.opts<PolicySetOptions>());
    }),
  );
}

function defineGet(noun: Command, run: Run): void {
  const command = noun
    .command('get')
    .summary("show services' policies")
    .description('Show the policies of services: those that were set, and what holds where nothing was.')
    .argument('<services...>', 'names of services');
  finish(command, { examples: GET_EXAMPLES }).action(async (services: readonly string[]) =>
    run(command, 'read', async (session) => {
      const { policyGetBody } = await import('../run/policy.ts');
      return policyGetBody(session, services);
    }),
  );
}

function defineRemove(noun: Command, run: Run): void {
  const command = noun
    .command('remove')
    .summary("take a service's policies away")
    .description(
      'Take policies of a service away: one part, or all. Weights are then those of its origin, and the number of instances stays as it is.',
    )
    .argument('<service>', 'name of the service')
    .argument('[part]', `${POLICY_PARTS.join(', ')}; all if not said`);
  addMutationOptions(command);
  finish(command, { examples: REMOVE_EXAMPLES }).action(async (service: string, part: string | undefined) =>
    run(command, 'write', async (session) => {
      const { policyRemoveBody } = await import('../run/policy.ts');
      return policyRemoveBody(session, { service, part }, command.opts<MutationOptions>());
    }),
  );
}

/** `sluice policy` */
export const definePolicy: Define = (parent, run) => {
  const noun = parent
    .command('policy')
    .summary('how weights and the number of instances follow load')
    .description('How weights and the number of instances of a service follow load.');
  defineSet(noun, run);
  defineGet(noun, run);
  defineRemove(noun, run);
  finish(noun, { examples: [SET_EXAMPLES, GET_EXAMPLES, REMOVE_EXAMPLES].flatMap((all) => all.slice(0, 1)) });
};

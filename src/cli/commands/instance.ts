/** Owns the definitions of `instance add|set|remove`. */
import type { Command } from 'commander';
import { type Define, finish, type HelpText, type Run } from '../define.ts';
import { addMutationOptions, type MutationOptions } from '../options.ts';

/** What `instance` does to instances. */
export type InstanceVerb = 'add' | 'set' | 'remove';

interface VerbText extends HelpText {
  readonly verb: InstanceVerb;
  readonly summary: string;
  readonly description: string;
  readonly argument: string;
}

const VERBS: readonly VerbText[] = [
  {
    verb: 'add',
    summary: 'add instances to a service',
    description: 'Add instances to a service. One that is there with another weight is an error.',
    argument: 'IP:PORT[=WEIGHT] of each instance',
    examples: [
      ['sluice instance add web 10.0.1.13:8080', 'weight 1'],
      ['sluice instance add web 10.0.1.13:8080=3 10.0.1.14:8080=3', 'two at once'],
      ['sluice instance add web 10.0.1.13:8080 --dry-run', 'the shares afterwards'],
    ],
  },
  {
    verb: 'set',
    summary: 'set the weights of instances',
    description: 'Set the weights of instances. Weight 0: no new connections, those that run go on.',
    argument: 'IP:PORT=WEIGHT of each instance',
    examples: [
      ['sluice instance set web 10.0.1.13:8080=5', 'five times as much as one of weight 1'],
      ['sluice instance set web 10.0.1.13:8080=0', 'no new connections'],
      ['sluice instance set web 10.0.1.13:8080=1 --if-revision 1042', 'only if nobody changed it since'],
    ],
  },
  {
    verb: 'remove',
    summary: 'remove instances from a service',
    description:
      'Remove instances from a service. Connections to them end; set the weight to 0 first to let them finish.',
    argument: 'IP:PORT of each instance',
    examples: [
      ['sluice instance remove web 10.0.1.13:8080', 'one'],
      ['sluice instance remove web 10.0.1.13:8080 10.0.1.14:8080 --yes', 'two, without a question'],
      ['sluice instance remove web 10.0.1.13:8080 --no-wait', 'without waiting for the nodes'],
    ],
  },
];

function defineVerb(noun: Command, run: Run, text: VerbText): void {
  const command = noun
    .command(text.verb)
    .summary(text.summary)
    .description(text.description)
    .argument('<service>', 'name of the service')
    .argument('<instances...>', text.argument);
  addMutationOptions(command);
  finish(command, text).action(async (service: string, instances: readonly string[]) =>
    run(command, 'write', async (session) => {
      const { instanceBody } = await import('../run/instance.ts');
      const change = { verb: text.verb, service, instances };
      return instanceBody(session, change, command.opts<MutationOptions>());
    }),
  );
}

/** `sluice instance` */
export const defineInstance: Define = (parent, run) => {
  const noun = parent
    .command('instance')
    .summary('add, set or remove single instances')
    .description('Change single instances of a service.');
  for (const text of VERBS) defineVerb(noun, run, text);
  finish(noun, { examples: VERBS.flatMap(({ examples }) => examples.slice(0, 1)) });
};

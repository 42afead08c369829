/** Owns the definitions of `node list|cordon|uncordon`. */
import { type Define, finish } from '../define.ts';
import { addListingOptions, addMutationOptions, type MutationOptions } from '../options.ts';
import type { ListOptions } from './list.ts';

const VERBS = [
  {
    verb: 'cordon',
    summary: 'place nothing new on nodes',
    description: 'Place nothing new on nodes. What runs there runs on; drain node/NAME empties a node.',
    examples: [
      ['sluice node cordon n3', 'one node'],
      ['sluice node cordon n3 n4 --reason "new disks"', 'two, with a reason for the audit record'],
      ['sluice node cordon node/n3 --dry-run', 'what it would do'],
    ],
  },
  {
    verb: 'uncordon',
    summary: 'place new instances on nodes again',
    description: 'Place new instances on nodes again. A drain of the node stays; see restore.',
    examples: [
      ['sluice node uncordon n3', 'one node'],
      ['sluice node uncordon n3 n4', 'two'],
      ['sluice node uncordon n3 -o json', 'for a program'],
    ],
  },
] as const;

/** `sluice node` */
export const defineNode: Define = (parent, run) => {
  const noun = parent
    .command('node')
    .summary('list nodes; keep new instances off them')
    .description('List nodes, and keep new instances off them.');
  const list = noun
    .command('list')
    .summary('list nodes')
    .description('List nodes: the same as sluice list nodes.')
    .option('-w, --watch', 'go on, and show what changes');
  addListingOptions(list);
  finish(list, {
    examples: [
      ['sluice node list', 'all nodes'],
      ['sluice node list -o wide', 'with labels and drivers'],
      ['sluice node list -o name', 'for other commands'],
    ],
  }).action(async () =>
    run(list, 'read', async (session) => {
      const { listBody } = await import('../run/list.ts');
      return listBody(session, { what: 'nodes', service: undefined }, list.opts<ListOptions>());
    }),
  );
  for (const { verb, summary, description, examples } of VERBS) {
    const command = noun
      .command(verb)
      .summary(summary)
      .description(description)
      .argument('<nodes...>', 'names of the nodes');
    addMutationOptions(command);
    finish(command, { examples }).action(async (nodes: readonly string[]) =>
      run(command, 'write', async (session) => {
        const { nodeBody } = await import('../run/node.ts');
        return nodeBody(session, { verb, nodes }, command.opts<MutationOptions>());
      }),
    );
  }
  finish(noun, {
    examples: [
      ['sluice node list', 'all nodes'],
      ['sluice node cordon n3', 'nothing new is placed there'],
      ['sluice node uncordon n3', 'again'],
    ],
  });
};

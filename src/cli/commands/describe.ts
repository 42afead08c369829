/** Owns the definition of `describe`. */
import { type Define, finish } from '../define.ts';

/** `sluice describe` */
export const defineDescribe: Define = (parent, run) => {
  const command = parent
    .command('describe')
    .summary('show everything about a service, an instance or a node')
    .description('Show everything about services, instances or nodes, and who changed a service last.')
    .argument('<refs...>', 'SERVICE, SERVICE/INSTANCE or node/NAME');
  finish(command, {
    examples: [
      ['sluice describe web', 'a service with its instances, nodes and last change'],
      ['sluice describe web/10.0.1.11:8080', 'an instance'],
      ['sluice describe node/n3 -o yaml', 'a node'],
    ],
  }).action(async (references: readonly string[]) =>
    run(command, 'read', async (session) => {
      const { describeBody } = await import('../run/describe.ts');
      return describeBody(session, references);
    }),
  );
};

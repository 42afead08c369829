/** Owns the definition of `scale`. */
import { type Define, finish } from '../define.ts';
import { addMutationOptions, type MutationOptions } from '../options.ts';

/** `sluice scale` */
export const defineScale: Define = (parent, run) => {
  const command = parent
    .command('scale')
    .summary('change how many instances of a service run')
    .description(
      'Change how many instances of a managed service run. Waits until they are ready and every live node forwards to them ' +
        '(30s, or --timeout). To 0 the name is to be typed, or --yes is needed.',
    )
    .argument('<service>', 'name of the service')
    .argument('<n>', 'N instances, +N more or -N fewer');
  addMutationOptions(command);
  finish(command, {
    examples: [
      ['sluice scale web 6', 'six instances'],
      ['sluice scale web +2 --timeout 2m', 'two more, with time to start'],
      ['sluice scale web -1 --no-wait', 'one fewer; the leader takes it away without loss'],
    ],
  }).action(async (service: string, count: string) =>
    run(command, 'write', async (session) => {
      const { scaleBody } = await import('../run/scale.ts');
      return scaleBody(session, { service, count }, command.opts<MutationOptions>());
    }),
  );
};

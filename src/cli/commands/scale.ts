/** Owns the definition of `scale`. */
import { type Define, finish } from '../define.ts';
import { addMutationOptions, type MutationOptions } from '../options.ts';

/** Flags of `scale`. */
export interface ScaleOptions extends MutationOptions {
  /** A length of time. */
  readonly pin?: string | undefined;
}

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
  command.option('--pin <time>', 'no policy changes the number for so long; without it a pin ends');
  addMutationOptions(command);
  finish(command, {
    examples: [
      ['sluice scale web 6', 'six instances'],
      ['sluice scale web -1 --no-wait', 'one fewer; the leader takes it away without loss'],
      ['sluice scale web 12 --pin 2h', 'twelve, whatever its policy says meanwhile'],
    ],
  }).action(async (service: string, count: string) =>
    run(command, 'write', async (session) => {
      const { scaleBody } = await import('../run/scale.ts');
      return scaleBody(session, { service, count }, command.opts<ScaleOptions>());
    }),
  );
};

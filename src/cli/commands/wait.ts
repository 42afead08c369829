/** Owns the definition of `wait`. */
import { type Define, finish } from '../define.ts';

/** Flags of `wait`. */
export interface WaitFlags {
  readonly for: string;
}

/** `sluice wait` */
export const defineWait: Define = (parent, run) => {
  const command = parent
    .command('wait')
    .summary('wait until a condition holds')
    .description(
      'Wait until a condition of a service, an instance or a node holds; ends with 3 if it does not within --timeout (30s).',
    )
    .argument('<ref>', 'SERVICE, SERVICE/INSTANCE or node/NAME')
    .requiredOption('--for <condition>', 'converged, healthy, instances=N or drained');
  finish(command, {
    examples: [
      ['sluice wait web --for converged', 'every live node has the last change'],
      ['sluice wait web --for instances=3 --timeout 2m', 'three instances are ready'],
      ['sluice wait node/n3 --for healthy', 'the agent is alive, without failures'],
    ],
  }).action(async (reference: string) =>
    run(command, 'write', async (session) => {
      const { waitBody } = await import('../run/wait.ts');
      return waitBody(session, reference, command.opts<WaitFlags>());
    }),
  );
};

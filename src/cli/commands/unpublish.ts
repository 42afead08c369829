/** Owns the definition of `unpublish`. */
import { type Define, finish } from '../define.ts';
import { addMutationOptions, type MutationOptions } from '../options.ts';

/** `sluice unpublish` */
export const defineUnpublish: Define = (parent, run) => {
  const command = parent
    .command('unpublish')
    .summary('delete services')
    .description(
      'Delete services with their entries and instances. On a terminal the name is to be typed; elsewhere --yes is needed.',
    )
    .argument('<services...>', 'names of the services');
  addMutationOptions(command);
  finish(command, {
    examples: [
      ['sluice unpublish web', 'asks for the name'],
      ['sluice unpublish web shop --yes', 'several, without a question'],
      ['sluice unpublish web --dry-run', 'what it would take away'],
    ],
  }).action(async (services: readonly string[]) =>
    run(command, 'write', async (session) => {
      const { unpublishBody } = await import('../run/unpublish.ts');
      return unpublishBody(session, services, command.opts<MutationOptions>());
    }),
  );
};

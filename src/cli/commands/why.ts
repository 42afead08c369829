/** Owns the definition of `why`. */
import { type Define, finish } from '../define.ts';

/** Flags of `why`. */
export interface WhyOptions {
  readonly last?: string | undefined;
}

/** `sluice why` */
export const defineWhy: Define = (parent, run) => {
  const command = parent
    .command('why')
    .summary('show what was decided for a service, and why')
    .description(
      'Show the last decisions of the monitor that leads, newest first: how many instances and what limited the number, where they ' +
        'were started and stopped, what was wanted and could not be done, and why weights are as they are. Decisions are kept for a day.',
    )
    .argument('<service>', 'name of the service')
    .option('--last <n>', 'so many decisions (default: 10)');
  finish(command, {
    examples: [
      ['sluice why web', 'the last ten'],
      ['sluice why web --last 100', 'more of them'],
      ['sluice why web -o json', 'with every number they were made of'],
    ],
  }).action(async (service: string) =>
    run(command, 'read', async (session) => {
      const { whyBody } = await import('../run/why.ts');
      return whyBody(session, service, command.opts<WhyOptions>());
    }),
  );
};

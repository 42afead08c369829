/** Owns the definition of `plan`. */
import { type Define, finish } from '../define.ts';
import { addTemplateOptions } from '../template-options.ts';
import { addSpecOptions, type SpecOptions } from './publish.ts';

/** Flags of `plan`. */
export interface PlanOptions extends SpecOptions {
  readonly detailedExitcode?: boolean | undefined;
}

/** `sluice plan` */
export const definePlan: Define = (parent, run) => {
  const command = parent
    .command('plan')
    .alias('diff')
    .summary('show what publish would change')
    .description(
      'Show what publish would change, its base revision and the command that applies it. Changes nothing.',
    )
    .argument('[service]', 'name of the service; not with -f');
  addSpecOptions(command).option('--detailed-exitcode', 'end with 2 if there are changes');
  addTemplateOptions(command);
  finish(command, {
    examples: [
      ['sluice plan -f services.yaml', 'what a file would change'],
      ['sluice plan -f services.yaml --detailed-exitcode -q', 'for a script: 0 none, 2 changes'],
      ['sluice plan web --entry 10.96.0.10:80 --instance 10.0.1.11:8080', 'one service from flags'],
    ],
  }).action(async (service: string | undefined) =>
    run(command, 'read', async (session) => {
      const { planBody } = await import('../run/plan.ts');
      return planBody(session, service, command.opts<PlanOptions>());
    }),
  );
};

/** Owns the definitions of `drain` and `restore`. */
import { Option } from 'commander';
import { ON_DEADLINE } from '../../model/template-choices.ts';
import type { OnDeadline } from '../../model/template.ts';
import { type Define, finish } from '../define.ts';
import { addMutationOptions, type MutationOptions } from '../options.ts';

/** Flags of `drain`. */
export interface DrainOptions extends MutationOptions {
  /** A length of time. */
  readonly deadline?: string | undefined;
  readonly onDeadline?: OnDeadline | undefined;
  readonly force?: boolean | undefined;
}

/** `sluice drain` */
export const defineDrain: Define = (parent, run) => {
  const command = parent
    .command('drain')
    .summary('send no new connections to an instance, or empty a node')
    .description(
      'Send no new connections to an instance. For one that sluice started, another is ready first; it ends when its connections ' +
        'have. A listed one stays until it is restored or removed. Of a node: what sluice started there goes elsewhere in the same way.',
    )
    .argument('<ref>', 'SERVICE/INSTANCE or node/NAME')
    .option('--deadline <time>', "longest wait for open connections (default: the template's)")
    .addOption(
      new Option(
        '--on-deadline <act>',
        'what becomes of connections left then (default: as published)',
      ).choices(ON_DEADLINE),
    );
  command.option('--force', 'do not wait for another to be ready');
  addMutationOptions(command);
  finish(command, {
    examples: [
      ['sluice drain web/10.0.1.11:8080', 'an instance that was listed'],
      ['sluice drain web/web-7f3a --force', 'one that sluice started; out at once, for it answers wrongly'],
      ['sluice drain node/n3 --wait --timeout 10m', 'before maintenance: waits until nothing is left'],
    ],
  }).action(async (reference: string) =>
    run(command, 'write', async (session) => {
      const { drainBody } = await import('../run/drain.ts');
      return drainBody(session, { verb: 'drain', reference }, command.opts<DrainOptions>());
    }),
  );
};

/** `sluice restore` */
export const defineRestore: Define = (parent, run) => {
  const command = parent
    .command('restore')
    .summary('undo a drain')
    .description(
      'Undo a drain: the instance gets new connections again, the node new instances. A cordon of the node stays; see node uncordon.',
    )
    .argument('<ref>', 'SERVICE/INSTANCE or node/NAME');
  addMutationOptions(command);
  finish(command, {
    examples: [
      ['sluice restore web/10.0.1.11:8080', 'an instance'],
      ['sluice restore node/n3', 'a node'],
      ['sluice restore node/n3 --dry-run', 'what it would do'],
    ],
  }).action(async (reference: string) =>
    run(command, 'write', async (session) => {
      const { drainBody } = await import('../run/drain.ts');
      return drainBody(session, { verb: 'restore', reference }, command.opts<DrainOptions>());
    }),
  );
};

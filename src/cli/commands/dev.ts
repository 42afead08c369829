/** Owns the definition of `dev`. */
import { type Define, finish } from '../define.ts';

/** Flags of `dev`. */
export interface DevFlags {
  readonly check?: boolean | undefined;
  readonly exec?: string | undefined;
}

/** `sluice dev` */
export const defineDev: Define = (parent, run) => {
  const command = parent
    .command('dev')
    .summary('a small cluster on this machine, in private network namespaces')
    .description(
      'Start one client, three nodes with agents, three instances and an etcd in private network namespaces, publish a service, send ' +
        'connections through its entry and show where they landed; then stay up until Ctrl-C. Needs no root, and touches nothing ' +
        'of this machine.',
    )
    .option('--check', 'exit after the connections: 0 if all were served and the spread fits, 3 if not')
    .option(
      '--exec <command>',
      'run a shell command on the client, in the cluster that is up or in one of its own; its exit code is the result',
    );
  finish(command, {
    examples: [
      ['sluice dev', 'try it; Ctrl-C ends it'],
      ['sluice dev --check -o json', 'in a script'],
      ["sluice dev --exec 'curl -s 10.96.0.10'", 'from a second terminal'],
    ],
  }).action(async () =>
    run(command, 'write', async (session) => {
      const { devBody } = await import('../run/dev.ts');
      return devBody(session, command.opts<DevFlags>());
    }),
  );
};

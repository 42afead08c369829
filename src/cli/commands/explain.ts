/** Owns the definition of `explain`. */
import { type Define, finish } from '../define.ts';
import { stateDirOption } from '../options.ts';

/** Flags of `explain`. */
export interface ExplainFlags {
  readonly from?: string | undefined;
  readonly in?: string | undefined;
  readonly check?: boolean | undefined;
  readonly stateDir?: string | undefined;
}

/** `sluice explain` */
export const defineExplain: Define = (parent, run) => {
  const command = parent
    .command('explain')
    .summary("walk this node's live rules as a connection would")
    .description(
      "Read this node's live rules, Sluice's and foreign, and walk them as a new connection would: which rules it meets, the chance of " +
        'each instance, what was counted, and what stands in the way, with a fix. Reads only. Needs root to read the rules.',
    )
    .argument('<entry|service>', 'IP:PORT[/tcp|udp], or a service')
    .option('--from <ip>', 'the client (default: a program on this node)')
    .option('--in <device>', 'device by which its packets come in (default: by which it is reached)')
    .option('--check', 'end with 3 if something is wrong')
    .addOption(stateDirOption());
  finish(command, {
    examples: [
      ['sluice explain web', 'connections of this node to all entries of web'],
      ['sluice explain 10.96.0.10:80 --from 10.0.9.7', 'of a client that comes through this node'],
      ['sluice explain web --check -q', 'for a health check: 0 or 3'],
    ],
  }).action(async (subject: string) =>
    run(command, 'read', async (session) => {
      const { explainBody } = await import('../run/explain.ts');
      return explainBody(session, subject, command.opts<ExplainFlags>());
    }),
  );
};
